"""Images that wait for a look, on the page De-identify: boxes are drawn on a picture and become `pixels.masks`."""

from base64 import b64encode
from io import BytesIO
from typing import Final

from nicegui import events, ui

from pacsflow.console.view import View
from pacsflow.deid.burned.boxes import Box
from pacsflow.errors import ArgumentError
from pacsflow.run.people.held_pictures import HeldGroup, HeldPicture, texts
from pacsflow.run.people.review import Decision, decide, waiting

_FIELDS: Final = ("top", "left", "bottom", "right")


class ReviewForm:
    """The groups that wait, each with its pictures and what can be decided of it."""

    def __init__(self, view: View) -> None:
        self._view = view

    def draw(self) -> None:
        """The place of the groups; they are read once the page is there."""
        ui.label(self._view.t("Images that wait for a look")).classes("text-lg").props('role="heading" aria-level="2"')
        self._place = ui.column().classes("w-full gap-4").mark("review")
        ui.timer(0.05, self._view.doing(self._again), once=True)

    async def _again(self) -> None:
        groups = await self._view.work(waiting, self._view.folder)
        self._place.clear()
        with self._place:
            if not groups:
                ui.label(self._view.t("no image waits for a look"))
            for group in groups:
                with ui.card().classes("w-full"):
                    GroupForm(self._view, group).draw()


class GroupForm:
    """One group: a picture to draw boxes on, the boxes as numbers, and the three decisions."""

    def __init__(self, view: View, group: HeldGroup) -> None:
        self._view, self._group = view, group
        self._boxes: list[Box] = list(group.boxes)
        self._began: tuple[int, int] | None = None
        self._at = 0

    def draw(self) -> None:
        """All of it, where one is."""
        view, group = self._view, self._group
        ui.label(view.t("{name}: {images:image|images}", name=group.key[:8], images=group.images)).classes("font-bold")
        for name, text in texts(group.kind):
            ui.label(f"{name}: {text}").classes("text-sm")
        for why in sorted({sample.why for sample in group.samples}):
            ui.label(why).classes("text-sm text-accent")
        self._picture()
        self._list = ui.column().classes("gap-1").props('role="status" aria-live="polite"')
        self._numbers()
        with ui.row().classes("gap-2"):
            for decision, label in (("mask", "Mask the boxes"), ("pass", "Let them pass"), ("refuse", "Refuse them")):
                act = view.doing(lambda decision=decision: self._decide(decision), "decide")
                ui.button(view.t(label), on_click=act).props("" if decision == "mask" else "outline")
        self._redraw()

    def _picture(self) -> None:
        """The first picture, and a way to the others; a box is drawn by dragging."""
        view, samples = self._view, self._group.samples
        self._image = ui.interactive_image(_address(samples[0]), on_mouse=self._mouse, cross=True,
                                           events=["mousedown", "mouseup"]).classes("w-full max-w-3xl")  # fmt: skip
        self._image.props(f'role="group" aria-label="{view.t("a picture that waits for a look")}"').mark(
            "review-picture"
        )
        if len(samples) > 1:
            ui.button(view.t("Another picture"), on_click=self._next).props("flat dense")

    def _next(self) -> None:
        self._at = (self._at + 1) % len(self._group.samples)
        self._image.set_source(_address(self._group.samples[self._at]))

    def _mouse(self, event: events.MouseEventArguments) -> None:
        scale = self._scale()
        here = round(event.image_y / scale), round(event.image_x / scale)
        if event.type == "mousedown":
            self._began = here
            return
        began, self._began = self._began, None
        if began is not None:
            (top, bottom), (left, right) = sorted((began[0], here[0])), sorted((began[1], here[1]))
            self._add(Box(top, left, bottom, right))

    def _add(self, box: Box) -> None:
        """One more box, cut to the picture; what has no pixel is none."""
        kind = self._group.kind
        cut = Box(max(box.top, 0), max(box.left, 0), min(box.bottom, kind.rows), min(box.right, kind.columns))
        if cut.top < cut.bottom and cut.left < cut.right:
            self._boxes.append(cut)
            self._redraw()

    def _numbers(self) -> None:
        """A box by its numbers, for who uses no mouse."""
        view = self._view
        with ui.row().classes("items-center gap-2"):
            made = {name: ui.number(view.t(name), format="%d", min=0).classes("w-24") for name in _FIELDS}

            def add() -> None:
                if any(field.value is None for field in made.values()):
                    raise ArgumentError(view.t("a box has four numbers"), fix="0, 0, 60, 640")
                self._add(Box(*(int(made[name].value) for name in _FIELDS)))

            ui.button(view.t("Add the box"), on_click=view.doing(add, "decide")).props("flat dense")

    def _redraw(self) -> None:
        scale = self._scale()
        shapes = [
            f'<rect x="{box.left * scale}" y="{box.top * scale}" width="{(box.right - box.left) * scale}" '
            f'height="{(box.bottom - box.top) * scale}" fill="black" fill-opacity="0.4" stroke="#ff5000"/>'
            for box in self._boxes
        ]
        self._image.content = "".join(shapes)
        self._list.clear()
        with self._list:
            for box in self._boxes:
                with ui.row().classes("items-center gap-2"):
                    ui.label(", ".join(f"{self._view.t(name)} {edge}" for name, edge in zip(_FIELDS, box, strict=True)))
                    ui.button(self._view.t("Take away"), on_click=lambda box=box: self._drop(box)).props("flat dense")

    def _drop(self, box: Box) -> None:
        self._boxes.remove(box)
        self._redraw()

    def _scale(self) -> float:
        """Pixels of the kept picture for one of the image: large ones are kept smaller."""
        return _width(self._group.samples[self._at]) / max(1, self._group.kind.columns)

    async def _decide(self, decision: Decision) -> None:
        view, boxes = self._view, self._boxes if decision == "mask" else []
        if decision == "mask" and not boxes:
            raise ArgumentError(view.t("draw a box first"), fix=view.t("Add the box"))
        await view.work(decide, view.folder, self._group.key, decision, boxes, by=view.by)
        await view.note("review", f"{self._group.key[:8]}: {decision}")
        ui.notify(view.t("Written into deid.yaml; the next run fetches these images again"), type="positive")
        ui.navigate.reload()


def _address(picture: HeldPicture) -> str:
    return f"data:image/png;base64,{b64encode(picture.png).decode()}"


def _width(picture: HeldPicture) -> int:
    from PIL import Image

    return Image.open(BytesIO(picture.png)).width
