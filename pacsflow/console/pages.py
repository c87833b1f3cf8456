"""The table of pages: the module of a page is imported when the console begins."""

from typing import Final, NamedTuple


class PageSpec(NamedTuple):
    """A page of a project. `name`: in its address. `title`: a word of `words/`. `place`: `module:function`.

    The function is given a `View` and fills the page; it may be a coroutine.
    """

    name: str
    title: str
    icon: str
    place: str


HOME: Final = PageSpec("", "Projects", "folder_open", "pacsflow.console.projects_page:projects_page")
"""The page that is of no project."""
PAGES: tuple[PageSpec, ...] = (
    PageSpec("node", "Node", "dns", "pacsflow.console.node_page:node_page"),
    PageSpec("query", "Query", "table_view", "pacsflow.console.query_page:query_page"),
    PageSpec("found", "Find and choose", "checklist", "pacsflow.console.found_page:found_page"),
    PageSpec("deid", "De-identify", "shield", "pacsflow.console.deid_page:deid_page"),
    PageSpec("run", "Run", "play_arrow", "pacsflow.console.run_page:run_page"),
    PageSpec("receiver", "Receiver", "move_to_inbox", "pacsflow.console.receiver_page:receiver_page"),
    PageSpec("results", "Results", "table_view", "pacsflow.console.results_page:results_page"),
    PageSpec("sign-off", "Sign-off", "verified", "pacsflow.console.sign_off_page:sign_off_page"),
)
"""The pages of a project, in the order of its work. To add one: a module, and a line here."""
