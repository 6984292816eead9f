//! MLLP over TLS.
