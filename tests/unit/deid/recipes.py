"""Recipes for tests: written to a file, read, compiled, applied."""

from pathlib import Path

from pacsflow.deid.recipe import compile_recipe
from schemas.deid import DeidProfile

HEAD = "FORMAT dicom\n"


class Recipes:
    """Recipes in a folder of the test's own."""

    def __init__(self, folder: Path):
        self.folder = folder

    def file(self, text: str, *, whole: bool = False) -> str:
        path = self.folder / "site.deid"
        path.write_text(text if whole else f"{HEAD}%header\n{text}", "utf-8")
        return str(path)

    def functions(self, text: str) -> str:
        path = self.folder / "site_functions.py"
        path.write_text(text, "utf-8")
        return str(path)

    def profile(self, text: str, *, whole: bool = False, functions: str = "", **profile):
        """The fields of a profile with this recipe."""
        more = {"functions": self.functions(functions)} if functions else {}
        return {"recipe": self.file(text, whole=whole)} | more | profile

    def compiled(self, text: str, **more):
        return compile_recipe(DeidProfile.model_validate({"key": "${env:KEY}"} | self.profile(text, **more)))

    def problems(self, text: str, **more):
        """Line and message of each mistake."""
        return sorted((each.line, each.message) for each in self.compiled(text, **more).problems)
