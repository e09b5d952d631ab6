"""`deploy`: from what stands in this folder to a running stack."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.deploy import data, images, linked_roles, notice, parameters, registry, templates
from services.deploy.change_set import ChangeSet, Wish, change_set
from services.deploy.engine import Engine, NoEngine, find_engine
from services.deploy.quieting import wake
from services.deploy.stack import Stack
from services.deploy.telling import agree, say, step
from services.deploy.wishes import BOOTSTRAP

if TYPE_CHECKING:
    import argparse

    from services.deploy.account import Account

_PLATFORMS = {"x86": "linux/amd64", "arm64": "linux/arm64"}
_MACHINES = {"x86_64": "linux/amd64", "amd64": "linux/amd64", "aarch64": "linux/arm64", "arm64": "linux/arm64"}
_PLACEHOLDERS = {
    "TemplateBase": "https://not-made-yet",
    "WorkerImage": "000000000000.dkr.ecr.us-east-1.amazonaws.com/not-built-yet/image:none",
}
_GIVEN = ("TemplateBase", *parameters.IMAGES.values())


@dataclass(slots=True)
class Deploy:
    """One run of it."""

    account: Account
    wishes: argparse.Namespace
    engine: Engine | None
    main: Stack
    bootstrap: Stack
    values: dict[str, str]

    def run(self) -> None:
        """Do it, each step where the one before it may have been done by an earlier run."""
        linked_roles.make(self.account)  # first of all: it takes a while until each service sees its own
        step(f"{self.bootstrap.name}: repositories and the template bucket")
        self.bootstrap.made_ready()
        wish = Wish(
            template_body=templates.BOOTSTRAP.read_text(),
            parameters={"Prefix": self.wishes.stack_name, "KmsKeyArn": self.values["KmsKeyArn"]},
            tags={data.OF_STACK: self.main.name},
        )
        _carry_out(change_set(self.bootstrap, wish), self.bootstrap)
        made = self.bootstrap.outputs()
        self._bring_images(made)
        step("Templates")
        count = templates.publish(self.account.s3, made["TemplateBucket"])
        self.values["TemplateBase"] = templates.base(made["TemplateBase"])
        say(f"   {count} uploaded, of {len(templates.nested())}")
        step(f"{self.main.name}: the stack itself; the first time takes a quarter of an hour and more")
        self.main.made_ready()
        self._adopt()
        changes = change_set(self.main, self._wish(template_url=f"{self.values['TemplateBase']}/main.yaml"))
        _carry_out(changes, self.main)
        wake(self.account, self.main.name, self.values)
        notice.after(self.account, self.main, self.values)

    def rehearse(self) -> None:
        """Print the change set and take it back; a dry run builds and uploads nothing."""
        step("What would change")
        if self.main.status().endswith("_IN_PROGRESS") and self.main.exists():
            say(f"   {self.main.name} is {self.main.status()}: its changes can be worked out when it is done")
            return
        if not self.bootstrap.exists():
            say(f"   {self.bootstrap.name} would be made first")
        standing = self.main.parameters()
        for name in _GIVEN:
            self.values[name] = standing.get(name) or _PLACEHOLDERS.get(name, "not-built-yet/image:none")
        changes = change_set(self.main, self._wish(template_body=templates.MAIN.read_text()))
        if changes is None:
            say("   nothing, besides what images and nested templates have in them")
            return
        changes.tell()
        changes.drop()

    def _wish(self, *, template_url: str = "", template_body: str = "") -> Wish:
        return Wish(
            template_url=template_url,
            template_body=template_body,
            parameters=self.values,
            tags={data.OF_STACK: self.main.name},
        )

    def _bring_images(self, made: dict[str, str]) -> None:
        step("Images")
        building = {name: key for name, key in parameters.IMAGES.items() if not _given(self.wishes, name)}
        for name, key in parameters.IMAGES.items():
            self.values[key] = _given(self.wishes, name) or ""
        if not building or self.engine is None:
            return
        # Said only where it must be: not every engine takes the option.
        wanted, here = _PLATFORMS[self.values["Cpu"]], _MACHINES.get(platform.machine())
        other = None if wanted == here else wanted
        built = {name: images.build(self.engine, name, platform=other) for name in building}
        with registry.signed_in(self.engine, self.account.ecr):
            for name, image in built.items():
                repository = made[f"{name.capitalize()}Repository"]
                registry.push(self.engine, self.account.ecr, image, repository)
                self.values[building[name]] = registry.remote(image, repository)

    def _adopt(self) -> None:
        """Take over what the remains of a failed stack left, which are gone only now."""
        if not self.main.exists():
            _take_over(self.account, self.wishes, self.values)


def begin(account: Account, wishes: argparse.Namespace) -> Deploy:
    """Look at what is there and work out what shall be; raise NoEngine or CannotDeploy."""
    engine = _engine(wishes)
    main = Stack(account.cloudformation, wishes.stack_name)
    bootstrap = Stack(account.cloudformation, wishes.stack_name + BOOTSTRAP)
    before = main.parameters() if main.exists() else {}
    values = parameters.wished(account, wishes, parameters.declared(account), before)
    if not main.exists():
        _take_over(account, wishes, values)
    return Deploy(account, wishes, engine, main, bootstrap, values)


def _engine(wishes: argparse.Namespace) -> Engine | None:
    """Give what builds the images, None where all of them are given; that there is none stops no dry run."""
    if all(_given(wishes, name) for name in parameters.IMAGES):
        return None
    try:
        return find_engine()
    except NoEngine as error:
        if not wishes.dry_run:
            raise
        say(f"A deploy would end here: {error}")
        return None


def deploy(account: Account, wishes: argparse.Namespace) -> None:
    """Say what will happen, ask, and do it."""
    run = begin(account, wishes)
    notice.before(account, run.main, run.values)
    if wishes.dry_run:
        run.rehearse()
        return
    agree("Go on?", is_given=wishes.yes)
    run.run()


def _take_over(account: Account, wishes: argparse.Namespace, values: dict[str, str]) -> None:
    found = data.left_behind(account, wishes.stack_name, given=dict(wishes.parameter))
    values["ExistingTable"], values["ExistingBucket"] = found.table, found.bucket


def _carry_out(changes: ChangeSet | None, stack: Stack) -> None:
    if changes is None:
        say(f"   {stack.name} is as it should be: nothing to change")
        return
    changes.tell()
    changes.carry_out()


def _given(wishes: argparse.Namespace, name: str) -> str | None:
    found: str | None = getattr(wishes, f"image_{name}")
    return found
