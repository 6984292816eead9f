//! ward-crypto
