//! TLS of the blocking HTTP client: the system's roots (SSL_CERT_FILE names others), with the cryptography that is here already.

use std::sync::Arc;

use ureq::tls::{RootCerts, TlsConfig};

/// How it is checked who answers.
pub fn config() -> TlsConfig {
    TlsConfig::builder()
        .root_certs(RootCerts::PlatformVerifier)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build()
}
