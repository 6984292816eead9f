//! ward-web
