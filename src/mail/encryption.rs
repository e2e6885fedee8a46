//! How the line to a mail server is encrypted (RFC 8314), and whose certificates are believed.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::line::Line;

/// The encryption of lines to one server, whose certificate must be for its name.
#[derive(Clone)]
pub(super) struct Encryptor {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl Encryptor {
    /// That of lines to `host`, which the machine's certificate authorities and those in `ca_file` vouch for.
    ///
    /// # Errors
    /// What is to be changed in the settings.
    pub(super) fn to(host: &str, ca_file: Option<&Path>) -> Result<Self, String> {
        let broken = |error: &dyn fmt::Display| format!("TLS cannot be set up for the mail server: {error}");
        let mut authorities = RootCertStore::empty();
        // A machine may have some that nobody can read, as others that use them do not mind.
        authorities.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if let Some(file) = ca_file {
            add_authorities(&mut authorities, file)?;
        }
        let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| broken(&error))?
            .with_root_certificates(authorities)
            .with_no_client_auth();
        let name = ServerName::try_from(host.to_owned()).map_err(|error| broken(&error))?;
        Ok(Self { connector: TlsConnector::from(Arc::new(config)), name })
    }

    /// Encrypts a line.
    ///
    /// # Errors
    /// The server's certificate, or it, cannot be trusted; or the line broke.
    pub(super) async fn encrypt(&self, line: Line) -> io::Result<TlsStream<Line>> {
        self.connector.connect(self.name.clone(), line).await
    }
}

fn add_authorities(authorities: &mut RootCertStore, file: &Path) -> Result<(), String> {
    let wrong = |why: &dyn fmt::Display| {
        format!("smtp.ca_file = \"{}\" {why}: give a PEM file with certificates", file.display())
    };
    let pem = std::fs::read(file).map_err(|error| wrong(&format!("cannot be read ({error})")))?;
    let mut count = 0;
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|_| wrong(&"cannot be read as certificates"))?;
        authorities.add(certificate).map_err(|_| wrong(&"cannot be read as certificates"))?;
        count += 1;
    }
    if count == 0 { Err(wrong(&"holds no certificate")) } else { Ok(()) }
}
