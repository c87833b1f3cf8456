"""A table of which each line is taken or dropped, and the ways to other pages of a list: changed in place."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from nicegui import ui
from nicegui.events import GenericEventArguments

from pacsflow.console.view import View

Act = Callable[..., Awaitable[None]]
_BUTTONS: Final = """<q-td :props="props" class="whitespace-nowrap">
<q-btn flat dense no-caps color="primary" :label="props.col.take" :aria-label="props.col.take + ': ' + props.row.about"
 :data-act="'take ' + props.row.key"
 @click="() => $parent.$emit('take', props.row.key)" />
<q-btn flat dense no-caps color="primary" :label="props.col.drop" :aria-label="props.col.drop + ': ' + props.row.about"
 :data-act="'drop ' + props.row.key"
 @click="() => $parent.$emit('drop', props.row.key)" /></q-td>"""
"""The table is one element for the server, whatever its lines: what is drawn costs more than what is found."""
_FOCUS: Final = """let left = 20;
const look = setInterval(() => {
 if (document.activeElement === document.body)
  [...document.querySelectorAll("[data-act]")].find(each => each.dataset.act === %s)
   ?.focus({focusVisible: true});
 if (--left <= 0) clearInterval(look);
}, 50)"""
"""Lines are drawn again when the table changes: where that loses the focus, the button that was pressed gets it."""


class ChoiceTable:
    """`take` and `drop` are given the key of a line."""

    def __init__(self, view: View, take: Act, drop: Act) -> None:
        acts = {"take": view.t("Take"), "drop": view.t("Drop")}
        self._act: dict[str, Any] = {"name": "act", "field": "key", "label": "", "align": "left", **acts}
        self._table = ui.table(columns=[], rows=[], row_key="key").classes("w-full").props("dense flat wrap-cells")
        self._table.add_slot("body-cell-act", _BUTTONS)
        for name, call in (("take", take), ("drop", drop)):
            self._table.on(name, _of_a_line(name, call))

    def show(self, heads: Sequence[str], lines: Mapping[str, Sequence[object]], about: Mapping[str, str]) -> None:
        """Show lines by their keys; `about` is what a reader of the screen is told that a button is for."""
        columns = [{"name": f"c{n}", "field": f"c{n}", "label": head, "align": "left"} for n, head in enumerate(heads)]
        self._table.columns = [*columns, self._act]
        self._table.rows = [
            {"key": key, "about": about[key], **{f"c{n}": cell for n, cell in enumerate(cells)}}
            for key, cells in lines.items()
        ]


def _of_a_line(name: str, call: Act) -> Callable[[GenericEventArguments], Awaitable[None]]:
    async def act(event: GenericEventArguments) -> None:
        await call(str(event.args))
        ui.run_javascript(_FOCUS % json.dumps(f"{name} {event.args}"))

    return act


class Turning:
    """Where one is in a list, and the ways back and on; nothing where all is on one page of so many lines."""

    def __init__(self, view: View, size: int, turn: Callable[[int], Awaitable[None]]) -> None:
        self._size, self._at = size, 0
        with ui.row().classes("items-center") as self._place:
            self._back = _arrow("chevron_left", view.t("Back"), view.doing(lambda: turn(max(self._at - size, 0))))
            self._told = ui.label()
            self._on = _arrow("chevron_right", view.t("Go on"), view.doing(lambda: turn(self._at + size)))

    def show(self, total: int, at: int) -> None:
        """Say that one is at a line of so many."""
        self._at = at
        self._place.set_visibility(total > self._size)
        self._told.text = f"{at + 1}-{min(at + self._size, total)} / {total}"
        self._back.set_enabled(at > 0)
        self._on.set_enabled(at + self._size < total)


def _arrow(icon: str, label: str, call: Act) -> ui.button:
    return ui.button(icon=icon, on_click=call).props(f'flat dense aria-label="{label}"')
