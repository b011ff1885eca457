"""The help texts, read off the configuration files, whose comments are the documentation."""

from __future__ import annotations

import re
from pathlib import Path

from drift_cli import presets


def overview(commands: dict[str, str]) -> str:
    width = max(map(len, commands))
    lines = "\n".join(f"  drift {name:<{width}}  {what}" for name, what in commands.items())
    return f"""drift: a laboratory bench for generative drifting

{lines}

  drift <command> --help         settings of a command (also: drift help <command>)
  drift <command> key=value …    change settings; group=option composes (kernel=gaussian)
  drift <command> -m key=a,b …   run once per combination
  drift <command> --cfg job      show the composed settings without running
  drift --version
  eval "$(drift completion bash)"  complete commands, groups and settings (also: zsh, fish)"""


def command_help(command: str, conf: Path) -> str:
    """Summary, groups with their options (the default starred), then the settings with their comments."""
    text = (conf / f"{command}.yaml").read_text()
    summary, _, body = text.partition("\n")
    settings = re.sub(r"^defaults:\n(?:[ -].*\n)+", "", body, flags=re.M)
    settings = re.sub(r"^hydra:\n(?:[ ].*\n?)+", "", settings, flags=re.M).strip()
    parts = [f"drift {command}: {_within_a_sentence(summary.lstrip('# ').rstrip('.'))}"]
    if groups := _groups(command, body, conf):
        parts.append("Groups (group=option; group.key=value changes a setting of the chosen option):\n" + groups)
    parts.append("Settings (key=value):\n" + "\n".join(f"  {line}".rstrip() for line in settings.splitlines()))
    closing = []
    if "resume" in settings:
        closing.append(f"The run folder is outputs/{command}/<time>-<unique>; hydra.run.dir=FOLDER chooses another.")
    if choice := _choice(body, conf):
        closing.append(f"`drift {command} {choice} --cfg job` shows the settings of the options you chose.")
    if closing:
        parts.append("\n".join(closing))
    return "\n\n".join(parts)


def _within_a_sentence(text: str) -> str:
    """Its first letter small; names keep theirs."""
    return text[:1].lower() + text[1:]


def _defaults(body: str) -> list[tuple[str, str]]:
    """The groups of a command, each with its default."""
    return re.findall(r"^  - (\w+): (\w+)$", body, flags=re.M)


def _options(group: str, conf: Path) -> list[str]:
    return sorted(path.stem for path in (conf / group).glob("*.yaml"))


def _choice(body: str, conf: Path) -> str:
    """An example of a choice, not the default, of a group all of whose options run as they are; "" without one."""
    defaults = dict(_defaults(body))
    for group in ("kernel", "optimizer"):
        if group in defaults:
            return f"{group}={next(option for option in _options(group, conf) if option != defaults[group])}"
    return ""


def _groups(command: str, body: str, conf: Path) -> str:
    chosen = _defaults(body)
    width = max((len(group) for group, _ in chosen), default=0)
    lines = []
    for group, default in chosen:
        own = group == "experiment"  # a preset is for one command
        options = presets.names(command, conf) if own else _options(group, conf)
        listed = ", ".join(f"{option}*" if option == default else option for option in options)
        lines.append(f"  {group:<{width}}  {listed}")
    return "\n".join(lines)
