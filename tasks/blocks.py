"""Secrets kept in Prefect: `${prefect:NAME}` is a Secret block of that name."""

from pacsflow.errors import SecretError


def secret_block(name: str) -> str:
    """The value of a Secret block. Raises SecretError where there is none, or Prefect does not answer."""
    from prefect.blocks.system import Secret

    from tasks.temporary_server import ensure_server

    ensure_server()
    try:
        block = Secret.load(name)
    except Exception as error:  # noqa: BLE001, whatever it is, its text may hold the answer
        raise SecretError(
            f"${{prefect:{name}}}: no such Secret block ({type(error).__name__})",
            fix="make it in Prefect's UI, Blocks, Secret; or look at PREFECT_API_URL",
        ) from None
    return str(block.get())  # type: ignore[union-attr]
