"""Recipes in the language of the `deid` package: read, compiled into the table as far as that goes, the rest run."""

from pacsflow.deid.recipe.compile import CompiledRecipe, compile_recipe

__all__ = ["CompiledRecipe", "compile_recipe"]
