//! ward-fhir
