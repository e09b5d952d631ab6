"""What botocore's errors mean: for every service of AWS the same."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from enum import StrEnum

from botocore import exceptions, parsers
from botocore.exceptions import BotoCoreError, ClientError

from services.adapters import aws_endpoint
from services.domain.errors import StreamkeepError


class Kind(StrEnum):
    """Who can mend it."""

    UNAVAILABLE = "unavailable"  # nobody here: wait and try again
    MISCONFIGURED = "misconfigured"  # whoever set region, credentials, endpoint, rights or names
    PROGRAMMING = "programming"  # we: the call itself is wrong, and no caller may take it for an outage


_UNAVAILABLE = (
    exceptions.CapacityNotAvailableError,
    exceptions.ChecksumError,
    exceptions.ConnectionClosedError,
    exceptions.ConnectionError,
    exceptions.ConnectTimeoutError,
    exceptions.CredentialRetrievalError,
    exceptions.EndpointConnectionError,
    exceptions.FlexibleChecksumError,
    exceptions.HTTPClientError,
    exceptions.IncompleteReadError,
    exceptions.MetadataRetrievalError,
    exceptions.ProxyConnectionError,
    exceptions.ReadTimeoutError,
    exceptions.ResponseStreamingError,
    exceptions.SSLError,
    exceptions.TokenRetrievalError,
    exceptions.WaiterError,
    parsers.ResponseParserError,  # an answer cut short, or a proxy's
)

_MISCONFIGURED = (
    exceptions.ConfigNotFound,
    exceptions.ConfigParseError,
    exceptions.EndpointProviderError,
    exceptions.EndpointResolutionError,
    exceptions.EndpointVariantError,
    exceptions.InfiniteLoopConfigError,
    exceptions.InvalidChecksumConfigError,
    exceptions.InvalidConfigError,
    exceptions.InvalidDefaultsMode,
    exceptions.InvalidEndpointConfigurationError,
    exceptions.InvalidEndpointDiscoveryConfigurationError,
    exceptions.InvalidIMDSEndpointError,
    exceptions.InvalidIMDSEndpointModeError,
    exceptions.InvalidMaxRetryAttemptsError,
    exceptions.InvalidProxiesConfigError,
    exceptions.InvalidRegionError,
    exceptions.InvalidRetryConfigurationError,
    exceptions.InvalidRetryModeError,
    exceptions.InvalidS3AddressingStyleError,
    exceptions.InvalidS3UsEast1RegionalEndpointConfigError,
    exceptions.InvalidSTSRegionalEndpointsConfigError,
    exceptions.LoginAuthorizationCodeError,
    exceptions.LoginError,
    exceptions.LoginInsufficientPermissions,
    exceptions.LoginRefreshRequired,
    exceptions.LoginTokenLoadError,
    exceptions.MissingDependencyException,
    exceptions.NoAuthTokenError,
    exceptions.NoCredentialsError,
    exceptions.NoRegionError,
    exceptions.PartialCredentialsError,
    exceptions.ProfileNotFound,
    exceptions.RefreshWithMFAUnsupportedError,
    exceptions.ServiceNotInRegionError,
    exceptions.SSOError,
    exceptions.SSOTokenLoadError,
    exceptions.UnauthorizedSSOTokenError,
    exceptions.UnknownCredentialError,
    exceptions.UnknownEndpointError,
    exceptions.UnknownFIPSEndpointError,
    exceptions.UnknownRegionError,
    exceptions.UnknownTokenProviderError,
    exceptions.UnsupportedS3AccesspointConfigurationError,
    exceptions.UnsupportedS3ConfigurationError,
    exceptions.UnsupportedS3ControlConfigurationError,
)

_PROGRAMMING = (
    BotoCoreError,  # the root: what a later botocore adds is looked at, not waited for
    exceptions.AliasConflictParameterError,
    exceptions.ApiVersionNotFoundError,
    exceptions.AwsChunkedWrapperError,
    exceptions.BaseEndpointResolverError,
    exceptions.DataNotFoundError,
    exceptions.InvalidDNSNameError,
    exceptions.InvalidExpressionError,
    exceptions.InvalidHostLabelError,
    exceptions.MD5UnavailableError,
    exceptions.MissingParametersError,
    exceptions.MissingServiceIdError,
    exceptions.OperationNotPageableError,
    exceptions.PaginationError,
    exceptions.ParamValidationError,
    exceptions.RangeError,
    exceptions.StubAssertionError,
    exceptions.StubResponseError,
    exceptions.UndefinedModelAttributeError,
    exceptions.UnknownClientMethodError,
    exceptions.UnknownEndpointResolutionBuiltInName,
    exceptions.UnknownKeyError,
    exceptions.UnknownParameterError,
    exceptions.UnknownServiceError,
    exceptions.UnknownServiceStyle,
    exceptions.UnknownSignatureVersionError,
    exceptions.UnseekableStreamError,
    exceptions.UnStubbedResponseError,
    exceptions.UnsupportedOutpostResourceError,
    exceptions.UnsupportedS3ArnError,
    exceptions.UnsupportedS3ControlArnError,
    exceptions.UnsupportedServiceProtocolsError,
    exceptions.UnsupportedSignatureVersionError,
    exceptions.ValidationError,
    exceptions.WaiterConfigError,
)

KINDS: Mapping[type[Exception], Kind] = {
    **dict.fromkeys(_UNAVAILABLE, Kind.UNAVAILABLE),
    **dict.fromkeys(_MISCONFIGURED, Kind.MISCONFIGURED),
    **dict.fromkeys(_PROGRAMMING, Kind.PROGRAMMING),
}
"""Errors that botocore itself raises; the most specific class that matches decides."""

ANSWERS = (ClientError, exceptions.EventStreamError)
"""Errors that a service answered: told apart by their code and by the status of the answer."""

UNAVAILABLE_CODES = frozenset(
    {
        "EC2ThrottledException",
        "InternalError",
        "InternalFailure",
        "InternalServerError",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceeded",
        "ProvisionedThroughputExceededException",
        "ReplicatedWriteConflictException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceUnavailable",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingError",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)

MISCONFIGURED_CODES = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "AllAccessDisabled",
        "AuthorizationHeaderMalformed",
        "AuthFailure",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "InvalidToken",
        "KMSAccessDeniedException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "NotSignedUp",
        "OptInRequired",
        "RequestExpired",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
        "UnauthorizedOperation",
        "UnrecognizedClientException",
    }
)

_REMEDIES: Mapping[type[Exception], str] = {
    exceptions.NoRegionError: "no region is set: set AWS_REGION",
    exceptions.InvalidRegionError: "the region is not one: correct AWS_REGION",
    exceptions.NoCredentialsError: "there are no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or"
    " give the machine a role",
    exceptions.PartialCredentialsError: "the AWS credentials are not whole: set both AWS_ACCESS_KEY_ID and"
    " AWS_SECRET_ACCESS_KEY",
    exceptions.ProfileNotFound: "no such profile: correct AWS_PROFILE",
}
_KIND_REMEDIES: Mapping[Kind, str] = {
    Kind.UNAVAILABLE: "it does not answer now",
    Kind.MISCONFIGURED: "check the AWS region, credentials, endpoint and rights",
}

_REDIRECT, _CLIENT_ERROR, _FORBIDDEN, _TOO_MANY, _SERVER_ERROR = 300, 400, (401, 403), 429, 500
_NOT_IMPLEMENTED = 501


def code_of(error: ClientError) -> str:
    """Give the code of an answer, `ConditionalCheckFailedException` say; a HEAD's is its status."""
    return str(error.response.get("Error", {}).get("Code", ""))


def codes_of(error: ClientError) -> frozenset[str]:
    """Give the code of an answer and, of a cancelled transaction, each reason's."""
    reasons = error.response.get("CancellationReasons", [])
    return frozenset({code_of(error), *(str(reason.get("Code", "")) for reason in reasons)})


def status_of(error: ClientError) -> int:
    """Give the HTTP status of an answer, 0 where it is not known."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def is_bare(error: Exception) -> bool:
    """Say whether an answer refuses and says nothing but its status: a HEAD's, or that of some other server."""
    if not isinstance(error, ClientError):
        return False
    status = status_of(error)
    refuses = _CLIENT_ERROR <= status < _SERVER_ERROR or status == _NOT_IMPLEMENTED
    return refuses and status != _TOO_MANY and code_of(error) in ("", str(status))


def _kind_of_answer(error: ClientError) -> Kind:
    codes, status = codes_of(error), status_of(error)
    if is_bare(error):
        return Kind.MISCONFIGURED
    if codes & UNAVAILABLE_CODES or status == _TOO_MANY or status >= _SERVER_ERROR:
        return Kind.UNAVAILABLE
    if codes & MISCONFIGURED_CODES or status in _FORBIDDEN or _REDIRECT <= status < _CLIENT_ERROR:
        return Kind.MISCONFIGURED
    return Kind.PROGRAMMING


def kind_of(error: Exception) -> Kind:
    """Say who can mend an error of botocore's."""
    if isinstance(error, ClientError):
        return _kind_of_answer(error)
    return next((KINDS[each] for each in type(error).__mro__ if each in KINDS), Kind.PROGRAMMING)


def remedy_of(error: Exception, service: str) -> str:
    """Say what to do about an error that is nobody's mistake in our code."""
    found = next((_REMEDIES[each] for each in type(error).__mro__ if each in _REMEDIES), None)
    if found is not None:
        return found
    variable = aws_endpoint.variable(service)
    if is_bare(error):
        return f"what answers there does not speak its protocol: is {variable or 'its endpoint'} the right address?"
    if kind_of(error) is Kind.UNAVAILABLE and not isinstance(error, ClientError) and variable is not None:
        return f"it does not answer now, at the address in {variable}: is that right?"
    return _KIND_REMEDIES[kind_of(error)]


@contextlib.contextmanager
def translated(
    unavailable: type[StreamkeepError], what: str, codes: Mapping[str, type[StreamkeepError]], *, service: str
) -> Iterator[None]:
    """Raise ours for an error of botocore's that leaves the block: by an answer's code, else `unavailable`.

    `what` names the thing that was asked, in the message. An error in how we call goes on as it is.
    """
    try:
        yield
    except (BotoCoreError, ClientError, parsers.ResponseParserError) as error:
        ours = codes.get(code_of(error)) if isinstance(error, ClientError) else None
        if ours is not None:
            raise ours(f"{what}: {error}") from error
        if kind_of(error) is Kind.PROGRAMMING:
            raise
        raise unavailable(f"{what}: {remedy_of(error, service)} ({error})") from error
