"""The page of messages names what is really said: each stands in the source, or in what a node answers."""

import re

from documents import ROOT, blocks

PAGE = ROOT / "docs" / "troubleshooting.md"


def messages():
    """What stands in the first column of the page's tables."""
    rows = re.findall(r"^\| (`.*?) \|", PAGE.read_text("utf-8"), re.MULTILINE)
    return [message for cell in rows for message in re.findall(r"`([^`]+)`", cell)]


def test_each_message_is_said_somewhere():
    source = " ".join(
        re.sub(r'"\s*\n\s*f?"', "", path.read_text("utf-8"))
        for room in ("pacsflow", "schemas", "tasks")
        for path in sorted((ROOT / room).rglob("*.py"))
    )
    found = messages()
    assert len(found) > 25
    lacking = [message for message in found if not said(message, source)]
    assert lacking == []


def said(message, source):
    """Whether a message is in the source; numbers and capitals stand for what differs."""
    parts = re.split(r"\d+(?: \w+)?|[A-Z]+_AET", message)
    return all(part.strip(" ,") in source for part in parts)


def test_the_tutorial_has_a_picture_of_each_step():
    page = ROOT / "docs" / "tutorial.md"
    steps = [line for block in blocks(page, "sh") for line in block.text.splitlines()]
    pictures = re.findall(r"\(pictures/tutorial-(\w+)\.png\)", page.read_text("utf-8"))
    assert pictures == [*(step.split()[1] for step in steps[:-1]), "report", steps[-1].split()[1]]
    assert [name for name in pictures if not (ROOT / "docs" / "pictures" / f"tutorial-{name}.png").exists()] == []
