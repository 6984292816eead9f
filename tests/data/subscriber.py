"""Makes a Subscription with a public client, and says its id.

subscriber.py BASE CLIENT RESOURCE: CLIENT is fhirpy or fhirclient, RESOURCE is JSON.
"""

import json
import os
import sys

from fhirclient import client as smart
from fhirclient.models.subscription import Subscription
from fhirpy import SyncFHIRClient

base, client, resource = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
token = os.environ["WARD_TOKEN"]

if client == "fhirpy":
    fhir = SyncFHIRClient(base, authorization=f"Bearer {token}")
    resource.pop("resourceType")
    made = fhir.resource("Subscription", **resource)
    made.save()
    print(made["id"])
else:
    server = smart.FHIRClient(settings={"app_id": "ward", "api_base": base}).server
    server.session.headers["Authorization"] = f"Bearer {token}"
    # The model of the client judges what it knows; it would not send extensions of single values
    # (`_criteria`, `_payload`), so the whole goes as it is.
    Subscription(resource)
    print(server.post_json("Subscription", resource).json()["id"])
