"""Manual pages out of what an executable says of itself with `--experimental-dump-help`."""

import json
import subprocess
from pathlib import Path


def _text(text: str) -> str:
    """As roff prints it verbatim: no control lines, no hyphens for minus signs, no escapes."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return "\n".join("\\&" + line if line.startswith((".", "'")) else line for line in escaped.splitlines())


def _name(argument: dict) -> str:
    value = argument.get("valueName", "")
    if argument["kind"] == "positional":
        return f"<{value}>"
    names = ", ".join(("--" if each["kind"] == "long" else "-") + each["name"] for each in argument["names"])
    return names if argument["kind"] == "flag" else f"{names} <{value}>"


def _arguments(command: dict) -> list[str]:
    lines = []
    for each in command.get("arguments", ()):
        if each["shouldDisplay"]:
            default = f" Default: {each['defaultValue']}." if each.get("defaultValue") else ""
            lines += [".TP", f"\\fB{_text(_name(each))}\\fR", _text(each.get("abstract", "") + default) or "\\&"]
    return lines


def _discussion(command: dict) -> list[str]:
    text = command.get("discussion")
    return [".PP", ".nf", _text(text), ".fi"] if text else []


def _subcommands(command: dict, names: str) -> list[str]:
    lines = []
    for each in command.get("subcommands", ()):
        if each["shouldDisplay"] and each["commandName"] != "help":
            name = f"{names} {each['commandName']}"
            lines += [f".SS {_text(name)}", _text(each.get("abstract", "")), *_discussion(each), *_arguments(each),
                      *_subcommands(each, name)]
    return lines


def page(executable: Path, section: int, version: str) -> str:
    told = subprocess.run([executable, "--experimental-dump-help"], capture_output=True, text=True, check=True)
    command = json.loads(told.stdout)["command"]
    name = command["commandName"]
    below = _subcommands(command, name)
    return "\n".join([
        f'.TH {name.upper()} {section} "" "Tributary {version}" "Tributary"',
        ".SH NAME", f"{name} \\- {_text(command['abstract'])}",
        ".SH SYNOPSIS", f"\\fB{name}\\fR " + ("\\fIcommand\\fR [options]" if below else "[options]"),
        ".SH DESCRIPTION", *_discussion(command),
        ".SH OPTIONS", *_arguments(command), *([".SH COMMANDS", *below] if below else []),
        ".SH EXIT STATUS", "0 when all is well, otherwise as sysexits.h says: 64 wrong usage, 69 unavailable,",
        "74 input or output, 75 try later, 77 not permitted, 78 wrong configuration.",
        ".SH FILES", "/etc/tributary/tributary.yaml, described in /usr/share/doc/tributary/CONFIGURATION.md.gz", "",
    ])
