"""What the schema of a node cannot see: which addresses its protocols need, which ways go together, files."""

from pacsflow.projects.places import check_files
from pacsflow.projects.source import Document, FieldPath
from schemas.pacs import PacsNode
from schemas.protocols import FETCHING, FINDING, METHODS

_NEEDED = {
    "host": "write for example pacs.example.org",
    "port": "write for example 11112",
    "called_aet": "write the node's AE title, for example MAINPACS",
}


def check_node(document: Document, node: PacsNode) -> None:
    """A problem in `document` for whatever of `node` does not go together, or leads nowhere."""
    check_files(document, (), node)
    _check_move(document, node)
    if _check_protocols(document, node):
        _check_addresses(document, node)


def _check_move(document: Document, node: PacsNode) -> None:
    move_to = node.fetch.move_to
    if move_to is None:
        if node.fetch.method == "c-move":
            fix = "C-MOVE needs a receiver: {aet: PACSFLOW, port: 11113}"
            document.problem(("fetch", "move_to"), "is missing", fix)
        return
    if move_to.ours and move_to.port is None:
        document.problem(("fetch", "move_to", "port"), "is missing", "write the port our receiver listens on, as 11113")
    if move_to.ours and move_to.check is not None:
        fix = "take it out, or write `ours: false`"
        document.problem(("fetch", "move_to", "check"), "is for another application entity only", fix)
    if not move_to.ours and node.fetch.method != "c-move":
        document.problem(
            ("fetch", "method"), "brings images to us, `ours: false` says they go elsewhere", "write c-move"
        )


def _check_protocols(document: Document, node: PacsNode) -> bool:
    """Whether queries and retrievals each have a protocol that can do them."""
    if node.finds_by not in FINDING:
        at: FieldPath = ("find",) if node.find else ("protocol",)
        document.problem(at, f"{node.finds_by} cannot query", f"write `find`: one of {', '.join(FINDING)}")
    if node.fetches_by not in FETCHING:
        ways = ", ".join(method for method, name in METHODS.items() if name != "dimse")
        document.problem(("protocol",), f"{node.fetches_by} cannot fetch", f"write `fetch.method`: {ways}")
    return node.finds_by in FINDING and node.fetches_by in FETCHING


def _check_addresses(document: Document, node: PacsNode) -> None:
    if "dimse" in node.protocols:
        for name, fix in _NEEDED.items():
            if not getattr(node, name):
                document.problem((name,), "is missing", fix)
    web = [name for name in node.protocols if name != "dimse"]
    unsaid = [name for name in web if name not in node.urls]
    if len(unsaid) > 1:
        own = ", ".join(f"{name}: https://..." for name in unsaid)
        document.problem(("urls",), "each web protocol has an address of its own", f"write `urls`: {{{own}}}")
    elif unsaid and not node.url:
        document.problem(("url",), "is missing", f"write the base address of {unsaid[0]}, as https://...")
    for name in () if web else ("auth", "ca"):
        if getattr(node, name):
            document.problem((name,), "is of web services only", "take it out; encrypted DICOM is `tls`")
    if node.tls and "dimse" not in node.protocols:
        document.problem(("tls",), "is of DICOM associations only", "write `ca`, and `auth` of the kind certificate")
    if node.auth and any(node.address(name).startswith("http:") for name in web):
        document.problem(("auth",), "would be sent for all to read", "write an address that begins with https://")
