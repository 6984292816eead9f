"""An object store that was not written here (moto), which checks every signature.

Prints its address and an access key, then follows one command a line: `down` closes its socket,
`up` opens it again with what it held, `list` prints names and contents, `put NAME TEXT` writes an
object as somebody else would.
"""

import json
import os
import sys

# From the fifth action on, who asks is checked.
os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = "4"
os.environ["MOTO_S3_CUSTOM_ENDPOINTS"] = ""

import logging

import boto3
from moto.server import ThreadedMotoServer

logging.getLogger("werkzeug").setLevel(logging.ERROR)


def serve(port):
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    server.start()
    return server


def client(name, url, id="none", secret="none"):
    return boto3.client(
        name,
        endpoint_url=url,
        region_name="eu-central-1",
        aws_access_key_id=id,
        aws_secret_access_key=secret,
    )


server = serve(0)
host, port = server.get_host_and_port()
url = f"http://{host}:{port}"
iam = client("iam", url)
iam.create_user(UserName="ward")
key = iam.create_access_key(UserName="ward")["AccessKey"]
allow = {"Effect": "Allow", "Action": ["s3:PutObject", "s3:GetObject", "s3:ListBucket"], "Resource": "*"}
policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
iam.put_user_policy(UserName="ward", PolicyName="keep", PolicyDocument=policy)
client("s3", url).create_bucket(
    Bucket="kept", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
)
store = client("s3", url, key["AccessKeyId"], key["SecretAccessKey"])
print(url, key["AccessKeyId"], key["SecretAccessKey"], flush=True)

for line in sys.stdin:
    command, *rest = line.split()
    said = "done"
    if command == "down":
        server.stop()
    elif command == "up":
        server = serve(port)
    elif command == "put":
        store.put_object(Bucket="kept", Key=rest[0], Body=rest[1].encode())
    elif command == "list":
        names = [it["Key"] for it in store.list_objects_v2(Bucket="kept").get("Contents", [])]
        bodies = [store.get_object(Bucket="kept", Key=name)["Body"].read().decode() for name in names]
        said = json.dumps(list(zip(names, bodies)))
    print(said, flush=True)
