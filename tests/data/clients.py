"""Create, search, page, transaction and patch with two public FHIR clients."""

import os
import sys

from fhirclient import client as smart
from fhirclient.models.humanname import HumanName
from fhirclient.models.observation import Observation
from fhirclient.models.patient import Patient
from fhirpy import SyncFHIRClient

base, token = sys.argv[1], os.environ["WARD_TOKEN"]


def with_fhirpy():
    fhir = SyncFHIRClient(base, authorization=f"Bearer {token}")
    patient = fhir.resource("Patient", name=[{"family": "Fhirpy", "given": ["Zora"]}], active=True)
    patient.save()
    assert patient["id"] and patient["meta"]["versionId"] == "1"
    found = fhir.resources("Patient").search(name="fhirpy").fetch()
    assert [p["id"] for p in found] == [patient["id"]], found

    entries = [
        {
            "fullUrl": "urn:uuid:6f2fd0f4-6c1e-4d4c-9b0f-0d7c0a5f5d01",
            "resource": {"resourceType": "Patient", "name": [{"family": "Transacted"}]},
            "request": {"method": "POST", "url": "Patient"},
        }
    ] + [
        {
            "resource": {
                "resourceType": "Observation",
                "status": "final",
                "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
                "subject": {"reference": "urn:uuid:6f2fd0f4-6c1e-4d4c-9b0f-0d7c0a5f5d01"},
                "valueQuantity": {"value": 60 + n, "unit": "/min"},
            },
            "request": {"method": "POST", "url": "Observation"},
        }
        for n in range(25)
    ]
    fhir.resource("Bundle", type="transaction", entry=entries).save()
    parent = fhir.resources("Patient").search(family="Transacted").first()
    reference = f"Patient/{parent['id']}"
    # Ten on a page, so that three pages are walked.
    pages = fhir.resources("Observation").search(subject=reference).limit(10).fetch_all()
    assert len(pages) == 25 and len({o["id"] for o in pages}) == 25, len(pages)
    assert all(o["subject"]["reference"] == reference for o in pages)

    # fhirpy's own patch() sends a merge patch, which R4 does not have; this is R4's JSON Patch.
    patching = SyncFHIRClient(
        base,
        authorization=f"Bearer {token}",
        extra_headers={"Content-Type": "application/json-patch+json"},
    )
    change = [{"op": "replace", "path": "/active", "value": False}]
    patching.execute(f"Patient/{patient['id']}", method="patch", data=change)
    again = fhir.reference("Patient", patient["id"]).to_resource()
    assert again["active"] is False and again["name"][0]["family"] == "Fhirpy"
    assert again["meta"]["versionId"] == "2"
    patient.delete()
    assert fhir.resources("Patient").search(name="fhirpy").fetch() == []


def with_fhirclient():
    class Bearer:
        """What fhirclient asks of an authorization."""

        ready = True

        def signed_headers(self, headers):
            return {**(headers or {}), "Authorization": f"Bearer {token}"}

        def can_sign_headers(self):
            return True

    fhir = smart.FHIRClient(settings={"app_id": "ward-tests", "api_base": base})
    fhir.server.auth = Bearer()
    patient = Patient()
    name = HumanName()
    name.family, name.given = "Fhirclient", ["Nadia"]
    patient.name = [name]
    made = patient.create(fhir.server)
    assert made and made["id"]
    read = Patient.read(made["id"], fhir.server)
    assert read.name[0].family == "Fhirclient"
    found = Patient.where({"family": "Fhirclient"}).perform_resources(fhir.server)
    assert [p.id for p in found] == [made["id"]]
    read.active = True
    assert read.update(fhir.server)
    assert Patient.read(made["id"], fhir.server).active is True
    count = len(list(Observation.where({"_count": "10"}).perform_resources_iter(fhir.server)))
    assert count == 25, count


with_fhirpy()
with_fhirclient()
print("all clients content")
