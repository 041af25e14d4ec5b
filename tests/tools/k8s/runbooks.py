"""The commands and names that documents give to an operator, compared with the manifests."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from tests.support.paths import CHECKOUT
from tests.tools.k8s.overlays import (
    OPTIONAL,
    OVERLAYS,
    Object,
    build,
    secrets,
    templates,
    with_component,
)

DOCUMENTS: Final = {
    path: path.read_text("utf-8") for path in sorted((CHECKOUT / "docs").glob("**/*.md"))
}

_VALUED: Final = {"-n", "-c", "-l", "-o", "-k", "-f", "-p", "--type", "--for", "--timeout"}
"""Options of kubectl that take the next word."""

_SHORT: Final = {"hpa": "horizontalpodautoscaler", "pvc": "persistentvolumeclaim", "svc": "service"}

_MADE_IN_CLUSTER: Final = {"Pod", "Event", "PersistentVolumeClaim", "Backup"}
"""Kinds that the manifests hold no object of."""

_POSTGRES_PORTS: Final = {5432, 8000, 9187}
"""What a pod of CloudNativePG opens."""


@dataclass
class Command:
    """A command line of kubectl: its words, its options, and what follows ``--``."""

    words: list[str] = field(default_factory=list)
    options: dict[str, str] = field(default_factory=dict)
    inner: list[str] = field(default_factory=list)


def code_of(text: str) -> Iterator[str]:
    """The lines of code of a document: its spans, and the lines of its blocks."""
    for block, span in re.findall(r"^ *```\w*\n(.*?)^ *```$|`([^`\n]+)`", text, re.M | re.S):
        yield from [span] if span else block.replace("\\\n", " ").splitlines()


def commands(text: str) -> Iterator[Command]:
    """Every call of kubectl in the code of a document."""
    for line in code_of(text):
        if "kubectl " in line:
            lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;")
            lexer.whitespace_split = True
            words = list(lexer)
            for start in [n for n, word in enumerate(words) if word == "kubectl"]:
                command = parsed(words[start + 1 :])
                if len(command.words) > 1 or command.options:  # not the name of a verb alone
                    yield command


def parsed(words: list[str]) -> Command:
    """Divide the words of one command."""
    command, rest = Command(), iter(words)
    for word in rest:
        if re.fullmatch(r"[|&;]+", word):
            break
        if word == "--":
            command.inner = [*rest]
        elif word.startswith("-"):
            name, _, value = word.partition("=")
            command.options[name] = next(rest) if word in _VALUED else value
        else:
            command.words.append(word)
    return command


@cache
def objects() -> list[Object]:
    """Those of all overlays, and those that further components make."""
    return [
        item for built in [*map(build, OVERLAYS), *map(with_component, OPTIONAL)] for item in built
    ]


def unhashed(name: str) -> str:
    """A name without the hash that kustomize appends, or that a document has in its place."""
    return re.sub(r"-([24-9bcdfghkmt]{10}|HASH)$", "", name)


@cache
def names(kind: str) -> set[str]:
    """The names of all objects of a kind, with and without the hash that kustomize appends."""
    if kind == "Secret":
        return set(secrets(objects()))
    found = {item["metadata"]["name"] for item in objects() if item["kind"] == kind}
    if kind == "Service":
        found |= {f"{name}-{end}" for name in names("Cluster") for end in ("rw", "ro", "r")}
    return found | {unhashed(name) for name in found}


@cache
def kinds() -> dict[str, str]:
    """All kinds of objects and what the cluster makes of them, by the name in small letters."""
    built = {item["kind"] for item in objects()}
    return {kind.lower(): kind for kind in built | _MADE_IN_CLUSTER | {"Secret"}}


def kind_of(word: str) -> str | None:
    """The kind that a word such as ``jobs`` or ``pvc`` means to kubectl, if it is one of ours."""
    one = _SHORT.get(word, word)
    return kinds().get(one) or kinds().get(one.removesuffix("s"))


@cache
def all_names() -> set[str]:
    """The names of all objects and secrets."""
    return {name for kind in kinds().values() for name in names(kind)}


@cache
def namespaces() -> set[str]:
    """Those that the manifests make, or let traffic from or to."""
    policies = [str(item["spec"]) for item in objects() if item["kind"] == "NetworkPolicy"]
    return names("Namespace") | {
        name for each in policies for name in re.findall(r"metadata.name': '([^']+)'", each)
    }


def pod_templates(name: str) -> list[Object]:
    """What the pods of an object are made of, in all overlays; of the service, for a variable."""
    name = unhashed(name.rpartition("/")[2])
    name = "bulk-import" if name.startswith("$") else re.sub(r"-\d+$", "", name)
    made = [
        template
        for overlay in OVERLAYS
        for key, template in templates(overlay).items()
        if unhashed(key) == name
    ]
    if not made and name in names("Cluster") | names("Pooler"):
        ports = [{"containerPort": port} for port in _POSTGRES_PORTS]
        made = [{"spec": {"containers": [{"name": "postgres", "ports": ports}]}}]
    return made


def fault(command: Command, made: dict[str, str] | None = None) -> str | None:
    """What no cluster with these manifests would know in a command, if there is anything.

    Args:
        command: what a document has an operator run.
        made: Jobs that commands before it made, each with the CronJob that it was made from.

    Raises:
        KeyError: the verb is new to this check.
    """
    verb, *words = command.words
    namespace = command.options.get("-n")
    if namespace is None and (verb, *words[:1]) != ("create", "namespace"):
        if verb not in {"apply", "kustomize", "cnpg"}:
            return "names no namespace"
    elif namespace is not None and namespace not in namespaces() | {"kube-system"}:
        return f"namespace {namespace}"
    if namespace == "kube-system":
        return None
    return _CHECKS[verb](words, command, {} if made is None else made)


def _objects(words: list[str], command: Command, made: dict[str, str]) -> str | None:
    kind, _, name = words[0].partition("/")
    wanted = [name] if name else words[1:]
    known = kind_of(kind)
    if known is None:
        return f"kind {kind}"
    if known in _MADE_IN_CLUSTER:
        return _label(command)
    unknown = [each for each in wanted if each not in names(known) | set(made) | {"$JOB"}]
    return f"{kind} {unknown[0]}" if unknown else _label(command)


def _label(command: Command) -> str | None:
    label = command.options.get("-l")
    labels = {
        f"{key}={value}"
        for overlay in OVERLAYS
        for template in templates(overlay).values()
        for key, value in template["metadata"]["labels"].items()
    } | {f"cnpg.io/cluster={name}" for name in names("Cluster")}
    return f"label {label}" if label and not set(label.split(",")) <= labels else None


def _pods(words: list[str], command: Command, made: dict[str, str]) -> str | None:
    if not words:
        return _label(command) if "-l" in command.options else "no pod"
    target, *ports = words
    name = made.get(target.rpartition("/")[2], target)
    if target.startswith(("service/", "svc/")):
        served = {
            port["port"]
            for item in objects()
            if item["kind"] == "Service" and item["metadata"]["name"] == target.partition("/")[2]
            for port in item["spec"]["ports"]
        }
        containers: set[str] = set()
    else:
        made_of = pod_templates(name)
        all_containers = [
            each
            for template in made_of
            for each in template["spec"].get("initContainers", []) + template["spec"]["containers"]
        ]
        containers = {each["name"] for each in all_containers}
        served = {
            port["containerPort"] for each in all_containers for port in each.get("ports", [])
        }
    wrong = [port for port in ports if int(port.rpartition(":")[2]) not in served]
    container = command.options.get("-c")
    if not containers and not served:
        return f"pods of {target}"
    if container is not None and container not in containers:
        return f"container {container}"
    return f"port {wrong[0]}" if wrong else _program(command)


def _program(command: Command) -> str | None:
    known = {"bulk-import", "df", "psql", "pg_isready", "pgbouncer", "sh"}
    return (
        f"program {command.inner[0]}" if command.inner and command.inner[0] not in known else None
    )


def _create(words: list[str], command: Command, made: dict[str, str]) -> str | None:
    kind, *rest = words
    if kind == "secret":
        return None if rest[1] in names("Secret") else f"secret {rest[1]}"
    if kind == "namespace":
        return None if rest[0] in names("Namespace") else f"namespace {rest[0]}"
    if kind == "job":
        source = command.options["--from"].partition("/")[2]
        made[rest[0]] = source
        return None if source in names("CronJob") else f"cronjob {source}"
    return f"kind {kind}"


def _folder(words: list[str], command: Command, made: dict[str, str]) -> str | None:
    folder = command.options.get("-k") or "".join(words)
    ours = folder.startswith("k8s/") and not (CHECKOUT / folder / "kustomization.yaml").exists()
    return f"folder {folder}" if ours else None


def _plugin(words: list[str], command: Command, made: dict[str, str]) -> str | None:
    return None if words[1] in names("Cluster") else f"cluster {words[1]}"


def _rollout(words: list[str], command: Command, made: dict[str, str]) -> str | None:
    return _objects(words[1:], command, made)


_CHECKS: Final = {
    **dict.fromkeys(("get", "describe", "delete", "wait", "patch", "annotate", "scale"), _objects),
    **dict.fromkeys(("logs", "exec", "port-forward"), _pods),
    "rollout": _rollout, "create": _create, "apply": _folder, "kustomize": _folder, "cnpg": _plugin,
}  # fmt: skip

_LIST: Final = r"((?:`[^`\s]+`(?:, | and | or |, and )?)+)"
_CALLED: Final = re.compile(
    r"\b([Pp]olicy|[Pp]olicies|[Cc]omponents?|[Oo]verlays?|containers?|[Nn]amespaces?|Jobs?|CronJob|"
    rf"Deployment|ConfigMap|Secrets?|Service|Cluster|Pooler|PodMonitor) {_LIST}"
)


def called(text: str) -> Iterator[tuple[str, str]]:
    """The names that the prose of a document gives to things, each with what it calls them."""
    for word, several in _CALLED.findall(text):
        for name in re.findall(r"`([^`]+)`", several):
            yield word.lower(), unhashed(name)


def exists(word: str, name: str) -> bool:
    """Whether a thing that prose calls by a word has that name."""
    if word.startswith(("component", "overlay")):
        return (CHECKOUT / "k8s" / f"{word.rstrip('s')}s" / name).is_dir()
    if word.startswith("container"):
        return any(
            name == each["name"]
            for overlay in OVERLAYS
            for template in templates(overlay).values()
            for each in template["spec"].get("initContainers", []) + template["spec"]["containers"]
        )
    if word.startswith("namespace"):
        return name in namespaces()
    if word.startswith("polic"):
        return name in names("NetworkPolicy")
    kind = kind_of(word)
    return kind is not None and name in names(kind)
