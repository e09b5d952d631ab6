"""`./setup.sh deploy` and `./setup.sh destroy`: streamkeep on AWS, and away from it."""

from __future__ import annotations

import signal
import sys
from typing import NoReturn

from botocore.exceptions import BotoCoreError, ClientError

from services.deploy import wishes
from services.deploy.account import code, open_account
from services.deploy.deploying import deploy
from services.deploy.destroying import destroy
from services.deploy.engine import EngineFailed, NoEngine
from services.deploy.telling import CannotDeploy, Declined

EXIT_CANNOT = 1
_RUN = {"deploy": deploy, "destroy": destroy}


def main() -> None:
    """Do what is asked for; exit 1 with what to do where that cannot be done, 130 or 143 where it is interrupted."""
    signal.signal(signal.SIGTERM, _stop)
    asked = wishes.read()
    try:
        account = open_account(profile=asked.profile, region=asked.region)
        _RUN[asked.command](account, asked)
    except (CannotDeploy, NoEngine, EngineFailed) as error:
        _give_up(asked.command, str(error))
    except Declined as error:
        _give_up(asked.command, str(error) or "nothing was changed")
    except ClientError as error:
        detail = error.response["Error"].get("Message", "")
        _give_up(asked.command, f"AWS refuses {error.operation_name}: {code(error)}: {detail}")
    except BotoCoreError as error:
        _give_up(asked.command, f"AWS cannot be reached: {error}")
    except KeyboardInterrupt:
        _give_up(asked.command, "interrupted; what AWS has begun it goes on with. Run the same again to go on", 130)


def _stop(*_: object) -> NoReturn:
    raise SystemExit(128 + signal.SIGTERM)


def _give_up(command: str, reason: str, status: int = EXIT_CANNOT) -> NoReturn:
    print(f"setup.sh {command}: {reason}", file=sys.stderr)  # noqa: T201
    raise SystemExit(status)


if __name__ == "__main__":
    main()
