"""`destroy`: a stack away, its data only if that is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.deploy import data
from services.deploy.quieting import live_tasks, quiet
from services.deploy.stack import Stack
from services.deploy.telling import CannotDeploy, agree, agree_by_name, say, step
from services.deploy.wishes import BOOTSTRAP

if TYPE_CHECKING:
    import argparse

    from services.deploy.account import Account


@dataclass(slots=True)
class Destroy:
    """One run of it."""

    account: Account
    wishes: argparse.Namespace
    main: Stack
    bootstrap: Stack
    kept: data.Data

    @property
    def is_done(self) -> bool:
        """Say whether there is nothing that this could take away."""
        is_removing = self.wishes.delete_data and (self.kept.table or self.kept.bucket)
        return not (self.main.status() or self.bootstrap.status() or is_removing)

    def tell(self) -> None:
        """Say what goes and what stays."""
        say(f"In {self.account.region}, account {self.account.id}, as {self.account.who}")
        workers = live_tasks(self.account, self.main.name)
        if self.main.status():
            say(f"   goes: the stack {self.main.name}, its secrets with it: stream keys and links stop being good")
            say(f"   goes: {workers} workers, idle ones among them; publishers are let go, and workers ship first")
        if self.bootstrap.status():
            say(f"   goes: {self.bootstrap.name}, its images and templates")
        verb = "GOES" if self.wishes.delete_data else "stays"
        if self.kept.table:
            say(f"   {verb}: the table {self.kept.table}: channels, sessions")
        if self.kept.bucket:
            say(f"   {verb}: the bucket {self.kept.bucket}: recordings, snapshots, all media")

    def run(self) -> None:
        """Do it, each step where the one before it may have been done by an earlier run."""
        if self.main.status():
            step(f"{self.main.name}: tasks come to rest")
            quiet(self.account, self.main.name)
            step(f"{self.main.name}: the stack goes; CloudFront takes some minutes")
            self._settled(self.main)
            self.main.delete()
        if self.bootstrap.status():
            step(f"{self.bootstrap.name} goes, images and templates with it")
            self._settled(self.bootstrap)
            if bucket := self.bootstrap.outputs().get("TemplateBucket"):
                data.empty(self.account, bucket)
            self.bootstrap.delete()
        if self.wishes.delete_data:
            self._delete_data()
        else:
            self.tell_what_stays()

    def _settled(self, stack: Stack) -> None:
        stack.follow_from_now()
        stack.settled()

    def _delete_data(self) -> None:
        step("Data")
        used = data.in_use(self.account)
        for name in filter(None, (self.kept.table, self.kept.bucket)):
            if name in used:
                raise CannotDeploy(f"{name} is not deleted: the stack {used[name]} uses it")
        if self.kept.table:
            data.remove_table(self.account, self.kept.table)
        if self.kept.bucket:
            data.remove_bucket(self.account, self.kept.bucket)

    def tell_what_stays(self) -> None:
        """Say what another deploy will find."""
        step("Done")
        for what, name in (("table", self.kept.table), ("bucket", self.kept.bucket)):
            if name:
                say(f"   the {what} {name} stays; the next deploy of {self.main.name} takes it over")


def destroy(account: Account, wishes: argparse.Namespace) -> None:
    """Say what will happen, ask, and do it."""
    main = Stack(account.cloudformation, wishes.stack_name)
    bootstrap = Stack(account.cloudformation, wishes.stack_name + BOOTSTRAP)
    run = Destroy(account, wishes, main, bootstrap, _kept(account, main))
    if run.is_done:
        say(f"there is no stack {main.name} in {account.region}: nothing to take away")
        run.tell_what_stays()
        return
    run.tell()
    if wishes.delete_data:
        agree_by_name("This removes every recording, and nothing brings them back.", main.name)
    else:
        agree("Go on?", is_given=wishes.yes)
    run.run()


def _kept(account: Account, main: Stack) -> data.Data:
    """Give the data of the stack, or what it has left."""
    made = main.outputs()
    if "TableName" in made:
        return data.Data(table=made["TableName"], bucket=made["BucketName"])
    return data.left_behind(account, main.name)
