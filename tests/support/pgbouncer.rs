//! PgBouncer before the tests' PostgreSQL, on a free loopback port, ended when dropped.

use std::process::{Child, Stdio};

use tempfile::TempDir;
use url::Url;

use super::database::server_url;
use super::unprivileged::{answering, command, free_port};

/// PgBouncer in transaction mode.
pub struct PgBouncer {
    child: Child,
    port: u16,
    _folder: TempDir,
}

impl PgBouncer {
    /// Starts it with so many connections to each database, and further settings.
    pub fn start(pool_size: u32, settings: &str) -> Self {
        // Somebody else may take a free port first.
        (0..20).find_map(|_| Self::try_start(pool_size, settings)).expect("pgbouncer does not start")
    }

    fn try_start(pool_size: u32, settings: &str) -> Option<Self> {
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
        let server = Url::parse(&server_url()).unwrap();
        let (host, at, user) = (server.host_str().unwrap(), server.port().unwrap_or(5432), server.username());
        let password = server.password().map(|password| format!(" password={password}")).unwrap_or_default();
        // Who made the server, and the role of `tests/run granted`.
        let users = format!("\"{user}\" \"\"\n\"mfa_enforcer\" \"\"\n");
        std::fs::write(folder.path().join("users"), users).unwrap();
        let ini = format!(
            "[databases]\n* = host={host} port={at}{password}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             unix_socket_dir =\nauth_type = trust\nauth_file = users\npool_mode = transaction\n\
             default_pool_size = {pool_size}\nlogfile = log\n{settings}\n"
        );
        std::fs::write(folder.path().join("pgbouncer.ini"), ini).unwrap();
        let mut pooler = command("/usr/sbin/pgbouncer", folder.path());
        let child = pooler.args(["-q", "pgbouncer.ini"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let child = child.expect("pgbouncer is missing: install Debian's package 'pgbouncer'");
        answering(child, port).map(|child| Self { child, port, _folder: folder })
    }

    /// The URL that leads through it to where `url` leads on the tests' server.
    pub fn before(&self, url: &str) -> String {
        let mut url = Url::parse(url).unwrap();
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_port(Some(self.port)).unwrap();
        url.to_string()
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
