//! Real mail servers: Postfix's `smtp-sink` and aiosmtpd, each on a free loopback port, ended when dropped.

use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use mfa_enforcer::clock::Randomness;
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(20);

/// `smtp-sink`, which takes mail, or refuses it as its options say.
pub struct Sink {
    child: Child,
    folder: TempDir,
    options: Vec<String>,
    pub port: u16,
}

impl Sink {
    /// Starts it with further options.
    pub fn start(options: &[&str]) -> Self {
        // Somebody else may take a free port first.
        (0..20).find_map(|_| Self::try_start(options)).expect("smtp-sink does not start")
    }

    fn try_start(options: &[&str]) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
        let options: Vec<String> = options.iter().map(|&option| option.to_owned()).collect();
        let port = free_port();
        let child = Self::try_listen(folder.path(), &options, port)?;
        Some(Self { child, folder, options, port })
    }

    /// Starts the program on this port, and waits until it takes mail; none: it ended, as where somebody else has the port.
    fn try_listen(folder: &Path, options: &[String], port: u16) -> Option<Child> {
        let mut command = Command::new("/usr/sbin/smtp-sink");
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.arg("-d").arg(folder.join("mail"));
        let as_root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
        if as_root {
            command.args(["-u", "nobody"]);
        }
        command.args(options).arg(format!("127.0.0.1:{port}")).arg("100");
        let mut child = command.spawn().expect("smtp-sink is missing: install Debian's package 'postfix'");
        let until = Instant::now() + PATIENCE;
        while child.try_wait().unwrap().is_none() {
            if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
                return child.try_wait().unwrap().is_none().then_some(child);
            }
            assert!(Instant::now() < until, "smtp-sink does not answer");
            std::thread::yield_now();
        }
        None
    }

    /// Ends it at once, as if its machine had died. What it has taken stays.
    pub fn kill(&mut self) {
        end(&mut self.child);
    }

    /// Whether it has ended, killed or not.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Starts it again after [`Self::kill`], where it was.
    pub fn start_again(&mut self) {
        let until = Instant::now() + PATIENCE;
        self.child = loop {
            if let Some(child) = Self::try_listen(self.folder.path(), &self.options, self.port) {
                break child;
            }
            assert!(Instant::now() < until, "smtp-sink does not start again");
            std::thread::yield_now();
        };
    }

    /// The files of the mails that it has taken. It takes a file away again whose mail was cut off.
    pub fn mails(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let is_there = |path: &PathBuf| path.metadata().is_ok_and(|file| file.len() > 0);
        entries.map(|entry| entry.unwrap().path()).filter(is_there).collect()
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// aiosmtpd, which tells all that it receives; see `mail_server.py`.
pub struct Aiosmtpd {
    child: Child,
    told: Receiver<(String, String)>,
    pub port: u16,
}

impl Aiosmtpd {
    pub fn start(options: &serde_json::Value) -> Self {
        let mut child = Command::new("/usr/bin/python3")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mail/mail_server.py"))
            .arg(options.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .expect("/usr/bin/python3 is missing: install Debian's package 'python3-aiosmtpd'");
        // Read all the time: a server whose pipe is full stands still.
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (tell, told) = channel();
        std::thread::spawn(move || {
            for line in stdout.lines() {
                tell.send(serde_json::from_str(&line.unwrap()).unwrap()).unwrap_or_default();
            }
        });
        let mut server = Self { child, told, port: 0 };
        let (kind, port) =
            server.told.recv().expect("aiosmtpd is missing: install Debian's package 'python3-aiosmtpd'");
        assert_eq!(kind, "ready");
        server.port = port.parse().unwrap();
        server
    }

    /// Ends the server and gives back what it was told, as (kind, text): `connected`, `received`, `mail`.
    pub fn end(mut self) -> Vec<(String, String)> {
        end(&mut self.child);
        self.told.iter().collect()
    }
}

impl Drop for Aiosmtpd {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// How often `kind` was told.
pub fn count(told: &[(String, String)], kind: &str) -> usize {
    told.iter().filter(|(told, _)| told == kind).count()
}

/// Everything received, as one text.
pub fn received(told: &[(String, String)]) -> String {
    told.iter().filter(|(kind, _)| kind == "received").map(|(_, text)| text.as_str()).collect()
}

/// A loopback port that nobody had a moment ago, below those that the system hands out by itself: while its server is away nobody gets it, not even whoever tries to connect to it.
pub fn free_port() -> u16 {
    let randomness = Randomness::from_system();
    let drawn = std::iter::repeat_with(|| 6_000 + u16::try_from(randomness.below(10_000)).unwrap());
    let mut free = drawn.filter(|&port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok());
    free.next().unwrap()
}

/// A certificate authority and two certificates of it, for `localhost` and for another host.
pub struct Certificates {
    folder: TempDir,
}

impl Certificates {
    pub fn make() -> Self {
        let certificates = Self { folder: tempfile::tempdir().unwrap() };
        certificates.openssl("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=Test-CA -keyout ca.key -out ca.pem");
        for (name, host) in [("right", "localhost"), ("wrong", "elsewhere.example")] {
            std::fs::write(certificates.path("ext"), format!("subjectAltName=DNS:{host}\n")).unwrap();
            certificates.openssl(&format!("req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN={host} -keyout {name}.key -out {name}.csr"));
            certificates.openssl(&format!("x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile ext -out {name}.pem"));
        }
        certificates
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn openssl(&self, arguments: &str) {
        let output = Command::new("openssl")
            .args(arguments.split(' '))
            .current_dir(self.folder.path())
            .output()
            .expect("openssl is missing: install Debian's package 'openssl'");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}
