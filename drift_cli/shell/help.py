"""The help texts: of a command, read off its configuration file, whose comments are the documentation; of a chosen
object, off the object itself.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from drift_cli import command as commands
from drift_cli.catalogue import PACKAGES, find, look_in, names, trust
from drift_cli.command import Command
from drift_cli.errors import UserError, did_you_mean
from drift_cli.setting import REQUIRED, parameters
from drift_cli.shell.words import with_own

_WIDE = 60  # a longer value does not move the help of the others


def overview() -> str:
    every = [commands.find(name) for name in commands.names()]
    width = max(len(each.name) for each in every)

    def lines(kind: list[Command]) -> str:
        return "\n".join(f"  drift {each.name:<{width}}  {each.summary}" for each in kind)

    return f"""drift: a research bench for generative drifting

{lines([each for each in every if not each.is_study])}

Studies (each measures, and reports which claims of the papers hold):
{lines(commands.studies())}

  drift <command> --help         settings of a command (also: drift help <command>)
  drift <command> key=value …    change settings; group=option composes (kernel=gaussian)
  drift <command> -m key=a,b …   run once per combination
  drift <command> --cfg job      show the composed settings without running
  drift <command> --config-dir DIR  your own options (trust=my_package.Class for your own classes)
  drift --version
  eval "$(drift completion bash)"  complete commands, groups and settings (also: zsh, fish)"""


def command_help(command: Command, words: Sequence[str] = ()) -> str:
    """Summary, groups with their options (the default starred), then the settings with their comments.

    Of every option that `words` choose (kernel=mixture) its own settings too, and what a chosen preset is.
    """
    command = with_own(command, list(words))
    look_in(command.own)
    _, _, body = command.yaml.read_text(encoding="utf-8").partition("\n")
    settings = re.sub(r"^defaults:\n(?:[ -].*\n)+", "", body, flags=re.M)
    settings = re.sub(r"^hydra:\n(?:[ ].*\n?)+", "", settings, flags=re.M).strip()
    parts = [f"drift {command.name}: {command.summary}"]
    if groups := _groups(command, body):
        parts.append("Groups (group=option; group.key=value changes a setting of the chosen option):\n" + groups)
    parts += [_option_help(command, group, option) for group, option in _chosen(command, words)]
    if presets := command.options("experiment"):
        parts.append(f"Presets (experiment=NAME): {', '.join(presets)}")
    settings = settings.replace(": ???", ":    ")
    parts.append("Settings (key=value):\n" + "\n".join(f"  {line}".rstrip() for line in settings.splitlines()))
    for base in command.bases:
        parts.append(f"Also the groups and settings of `drift {base.name}` (`drift {base.name} --help`).")
    closing = []
    if getattr(command.schema(), "writes_to", None) is None:
        closing.append(
            f"The run folder is outputs/{command.name}/<time>-<unique>; hydra.run.dir=FOLDER chooses another."
        )
    if choice := _choice(command, body):
        shown = f"`drift {command.name} {choice} --cfg job` shows the settings of the options you chose"
        closing.append(f"{shown}, and --help instead explains them.")
    if closing:
        parts.append("\n".join(closing))
    return "\n\n".join(parts)


def _chosen(command: Command, words: Sequence[str]) -> list[tuple[str, str]]:
    """The options of groups among the words. Raises `UserError` for one that is not there."""
    found = []
    for word in words:
        group, _, options = word.partition("=")
        for option in options.split(",") if group in (*PACKAGES, "experiment") else ():
            known = list(command.options(group))
            if option not in known:
                near, listed = did_you_mean(option, known), ", ".join(known) or "none"
                raise UserError(f'There is no {group} "{option}".{near} Available: {listed}.')
            found.append((group, option))
    return found


def _option_help(command: Command, group: str, option: str) -> str:
    """What the option is, by its file's comment; each setting with its value there, its type, help and choices."""
    from omegaconf import OmegaConf

    file = command.options(group)[option]
    text = file.read_text(encoding="utf-8")
    comments = [line.lstrip("# ") for line in text.splitlines() if line.startswith("#")]
    told = " ".join(line for line in comments if not line.startswith("@package"))
    if group == "experiment":
        return f"experiment={option}: {told}"
    values = OmegaConf.to_container(OmegaConf.load(file), resolve=False)
    assert isinstance(values, dict)
    if "." in values["name"]:
        trust([values["name"]])  # a class of the user's own: they named the folder of this file
    lines = []
    for name, parameter in parameters(find(group, values["name"])).items():
        value = values.get(name, "???" if parameter.default is REQUIRED else parameter.default)
        words = names(parameter.setting.group) if parameter.setting.group else parameter.setting.choices
        choices = f" ({' | '.join(words)})" if words else ""
        lines.append((f"{group}.{name}={_shown(value)}", f"{parameter.setting.help}{choices}"))
    width = max((len(written) for written, _ in lines if len(written) < _WIDE), default=0)
    body = "\n".join(f"  {written:<{width}}  {what}" for written, what in lines) or "  no settings"
    return f"{group}={option}{f': {told}' if told else ''}\n{body}"


def _shown(value: Any) -> str:
    """As it is written on the command line."""
    if isinstance(value, list | tuple):
        return f"[{','.join(map(_shown, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_shown(entry)}" for key, entry in value.items()) + "}"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return "" if value == "???" else str(value)


def _defaults(body: str) -> list[tuple[str, str]]:
    """The groups of a command, each with its default."""
    return re.findall(r"^  - (\w+): (\w+)$", body, flags=re.M)


def _choice(command: Command, body: str) -> str:
    """An example of a choice, not the default, of a group all of whose options run as they are; "" without one."""
    defaults = dict(_defaults(body))
    for group in ("kernel", "optimizer"):
        if group in defaults:
            return f"{group}={next(option for option in command.options(group) if option != defaults[group])}"
    return ""


def _groups(command: Command, body: str) -> str:
    chosen = [(group, default) for group, default in _defaults(body) if group != "experiment"]
    width = max((len(group) for group, _ in chosen), default=0)
    lines = []
    for group, default in chosen:
        options = command.options(group)
        listed = ", ".join(f"{option}*" if option == default else option for option in options)
        lines.append(f"  {group:<{width}}  {listed}")
    return "\n".join(lines)
