"""What checkov finds in the templates and is meant to be so, each with its reason."""

from __future__ import annotations

from collections.abc import Mapping

_FUNCTIONS_QUEUE = "it is called and answers; nobody could do anything with what a queue would keep"
_OWN_KEY = "encrypted by AWS's own key unless KmsKeyArn names another; a key of one's own costs money"
_LOGS_OF_BUCKET = "each object is written by one of three roles; CloudTrail's data events tell more, where wanted"

EXCEPTIONS: Mapping[str, Mapping[str, str]] = {
    "CKV_AWS_18": {  # access logs of a bucket
        "data.Bucket": _LOGS_OF_BUCKET,
        "secrets.ImportBucket": "holds one file for some seconds of a stack's life",
        "bootstrap.Templates": "holds templates, which are public",
    },
    "CKV_AWS_21": {  # versions
        "data.Bucket": "its policy refuses to overwrite unseen, and retention must really remove",
        "secrets.ImportBucket": "a version would keep the secret that is to vanish",
        "bootstrap.Templates": "each template is named by its content's digest",
    },
    "CKV_AWS_27": {  # SQS encryption with KMS
        "reconciler.Events": "encrypted by SQS's own key; EventBridge cannot send to another without a key policy",
        "reconciler.DeadEvents": "as above",
    },
    "CKV_AWS_65": {"cluster.Cluster": "a parameter: Container Insights is paid for each task"},
    "CKV_AWS_68": {
        "delivery.Distribution": "links are signed and the API asks for a token; a WAF is $5 and more a month"
    },
    "CKV_AWS_86": {"delivery.Distribution": "its log would hold every link with its token"},
    "CKV_AWS_91": {"gateway.Balancer": "logs TLS connections only, and the callback app logs each publisher"},
    "CKV_AWS_115": {  # reserved concurrency
        "secrets.Maker": "CloudFormation calls it some times in a stack's life",
        "grabber.Function": "a new account may reserve none; the API bounds what it asks for",
    },
    "CKV_AWS_116": {"secrets.Maker": _FUNCTIONS_QUEUE, "grabber.Function": _FUNCTIONS_QUEUE},
    "CKV_AWS_117": {  # in a VPC
        "secrets.Maker": "it speaks to two APIs of AWS; a VPC would add ways, and NAT",
        "grabber.Function": "it reads strangers' streams: it shall reach nothing of ours",
    },
    "CKV_AWS_119": {"data.Table": _OWN_KEY},
    "CKV_AWS_136": {"bootstrap.Gateway": _OWN_KEY, "bootstrap.Services": _OWN_KEY, "bootstrap.Worker": _OWN_KEY},
    "CKV_AWS_173": {  # encrypted variables of a function
        "secrets.Maker": "they name a secret and a bucket",
        "grabber.Function": "they name a bucket",
    },
    "CKV_AWS_174": {
        "delivery.Distribution": "CloudFront's own name takes no other policy; its viewers speak TLS 1.2 anyway"
    },
}
"""By check: `template.LogicalId` and why."""
