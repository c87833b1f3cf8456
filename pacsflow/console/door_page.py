"""A page of the doors: plain HTML, nothing is loaded from anywhere."""

from typing import Final

from starlette.responses import HTMLResponse

_STYLE: Final = (
    "body{font:16px system-ui,sans-serif;max-width:28rem;margin:12vh auto;padding:0 1rem;color:#1a1a1a;background:#fff}"
    "label{display:block;margin:1rem 0 .25rem}input{font:inherit;width:100%;padding:.5rem;box-sizing:border-box}"
    "button,a.button{font:inherit;display:inline-block;margin-top:1.25rem;padding:.5rem 1.25rem;background:#1d4f7a;"
    "color:#fff;border:0;text-decoration:none}p.wrong{color:#a11212}"
)


def door_page(language: str, body: str, *, status: int = 200, head: str = "") -> HTMLResponse:
    """A page of a language around a body, both HTML."""
    text = (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>pacsflow</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">{head}<style>{_STYLE}</style></head>'
        f"<body><main><h1>pacsflow</h1>{body}</main></body></html>"
    )
    return HTMLResponse(text, status)
