"""An S3 server as they were before requests had trailers: it keeps what it is sent, frames of chunks and all."""

from urllib.parse import parse_qs, unquote, urlsplit

from peers.secured import Quiet, Secured


class OldS3(Secured):
    """`objects`: path below the host -> bytes. `framed`: requests that came with a coding this server does not know."""

    def __init__(self, authority):
        super().__init__(_Handler, authority)
        self.objects, self.framed = {}, 0


class _Handler(Quiet):
    def do_PUT(self):  # noqa: N802
        content = self.body()
        self.server.framed += "aws-chunked" in self.headers.get("Content-Encoding", "")
        self.server.objects[self._path()] = content
        self.answer(200, ETag='"0"')

    def do_HEAD(self):  # noqa: N802
        self._give(with_body=False)

    def do_GET(self):  # noqa: N802
        if "list-type" in urlsplit(self.path).query:
            return self._list()
        return self._give(with_body=True)

    def do_DELETE(self):  # noqa: N802
        self.server.objects.pop(self._path(), None)
        self.answer(204)

    def do_POST(self):  # noqa: N802
        self.body()
        self.answer(501)

    def _give(self, *, with_body):
        found = self.server.objects.get(self._path())
        self.send_response(200 if found is not None else 404)
        self.send_header("Content-Length", str(len(found or b"")))
        self.send_header("ETag", '"0"')
        self.send_header("Last-Modified", "Thu, 02 Jan 2020 10:11:12 GMT")
        self.end_headers()
        if with_body and found:
            self.wfile.write(found)

    def _list(self):
        bucket = self._path().strip("/")
        prefix = parse_qs(urlsplit(self.path).query).get("prefix", [""])[0]
        names = [path.removeprefix(f"/{bucket}/") for path in self.server.objects]
        found = "".join(
            f"<Contents><Key>{name}</Key><Size>{len(self.server.objects[f'/{bucket}/{name}'])}</Size>"
            '<ETag>"0"</ETag><LastModified>2020-01-02T10:11:12.000Z</LastModified></Contents>'
            for name in sorted(names)
            if name.startswith(prefix)
        )
        body = f'<?xml version="1.0"?><ListBucketResult><Name>{bucket}</Name><IsTruncated>false</IsTruncated>{found}</ListBucketResult>'
        self.answer(200, body.encode(), Content_Type="application/xml")

    def _path(self):
        return unquote(urlsplit(self.path).path)
