"""A service that speaks the GPCR De-ID API over TLS, and misbehaves when told so."""

import json

from peers.secured import Quiet, Secured


class Service(Secured):
    """Answers with (status, bytes) by path; `asked` holds path, authorization and body."""

    def __init__(self, authority):
        super().__init__(_Handler, authority)
        self.answers, self.asked = {}, []


class _Handler(Quiet):
    def do_POST(self):  # noqa: N802
        self.server.asked.append((self.path, self.headers["Authorization"], json.loads(self.body())))
        status, content = self.server.answers[self.path]
        self.answer(status, content, Location="https://127.0.0.1:1/elsewhere")
