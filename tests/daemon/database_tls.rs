//! PostgreSQL over TLS: the certificate is verified, and what does not fit is refused with what to do.

use crate::installation::Installation;
use crate::servers::Certificates;
use crate::support::private_postgres::PrivatePostgres;

/// A server that takes connections over TLS alone, with the certificate that is called `name`.
fn server(certificates: &Certificates, name: &str) -> PrivatePostgres {
    let read = |file: &str| std::fs::read(certificates.path(file)).unwrap();
    let rules = b"hostnossl all mfa all reject\nhost all all all trust\n".to_vec();
    let files = [
        ("pg_hba.conf", rules),
        ("server.crt", read(&format!("{name}.pem"))),
        ("server.key", read(&format!("{name}.key"))),
    ];
    PrivatePostgres::start(&files, "ssl = on")
}

/// The program where the database is reached so.
fn installation(server: &PrivatePostgres, parameters: &str) -> Installation {
    let mut installation = Installation::bare();
    let url = format!("postgres://mfa:hush-db@localhost:{}/mfa?{parameters}", server.port);
    installation.set("database.url", &url);
    installation
}

fn verified_by(certificates: &Certificates, ca: &str) -> String {
    format!("sslmode=verify-full&sslrootcert={}", certificates.path(ca).display())
}

const MADE: &[&str] = &["CREATE ROLE mfa LOGIN", "CREATE DATABASE mfa OWNER mfa"];

#[tokio::test]
async fn a_servers_certificate_is_verified() {
    let (ours, foreign) = (Certificates::make(), Certificates::make());
    let server = server(&ours, "right");
    for sql in MADE {
        server.execute("postgres", sql).await;
    }
    let trusted = installation(&server, &verified_by(&ours, "ca.pem"));
    trusted.succeeds(&["migrate"]).await;
    trusted.succeeds(&["run", "--once"]).await;

    let plain = installation(&server, "sslmode=disable").fails(&["status"]).await;
    assert!(plain.contains("no encryption"), "the server wants TLS: {plain}");
    let unknown = installation(&server, &verified_by(&foreign, "ca.pem")).fails(&["status"]).await;
    assert!(unknown.contains("localhost") && unknown.contains("; see sslrootcert in database.url"), "{unknown}");
    let of_the_system = installation(&server, "sslmode=verify-full").fails(&["status"]).await;
    assert!(of_the_system.contains("; see sslrootcert in database.url"), "{of_the_system}");
    let no_file = installation(&server, &verified_by(&ours, "no-such.pem")).fails(&["status"]).await;
    assert!(no_file.contains("; see sslrootcert, sslcert"), "{no_file}");
}

#[tokio::test]
async fn a_certificate_for_another_host_is_refused() {
    let certificates = Certificates::make();
    let server = server(&certificates, "wrong");
    for sql in MADE {
        server.execute("postgres", sql).await;
    }
    let message = installation(&server, &verified_by(&certificates, "ca.pem")).fails(&["migrate"]).await;
    assert!(message.contains("elsewhere.example") && message.contains("the name of its host"), "{message}");
    // Who asks for less than verify-full has decided so.
    let by_authority_alone = verified_by(&certificates, "ca.pem").replace("verify-full", "verify-ca");
    installation(&server, &by_authority_alone).succeeds(&["migrate"]).await;
}

#[tokio::test]
async fn a_server_without_tls_is_refused_where_it_is_wanted() {
    let server = PrivatePostgres::start(&[], "");
    for sql in MADE {
        server.execute("postgres", sql).await;
    }
    let message = installation(&server, "sslmode=require").fails(&["migrate"]).await;
    assert!(message.contains("; it does not speak TLS"), "{message}");
}
