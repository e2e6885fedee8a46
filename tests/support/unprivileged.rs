//! Servers that refuse to run as root, each in a folder of its own.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(30);

/// `program` as a user who is not root, and who can write to `folder`.
pub fn command(program: &str, folder: &Path) -> Command {
    let is_root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o777)).unwrap();
    let mut command = if is_root {
        let user = ["postgres", "nobody"].into_iter().find(|user| exists(user)).expect("there is nobody but root");
        let mut command = Command::new("setpriv");
        command.args(["--reuid", user, "--regid", &group(user), "--clear-groups", "--"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    command.current_dir(folder).env_clear().env("PATH", "/usr/sbin:/usr/bin:/bin").stdin(Stdio::null());
    command
}

fn exists(user: &str) -> bool {
    Command::new("id").args(["-u", user]).stderr(Stdio::null()).output().unwrap().status.success()
}

fn group(user: &str) -> String {
    let output = Command::new("id").args(["-gn", user]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A loopback port that nobody had a moment ago.
pub fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// Waits until the process answers on its port; none when it ended, as where somebody else took the port first.
pub fn answering(mut child: Child, port: u16) -> Option<Child> {
    let until = Instant::now() + PATIENCE;
    while child.try_wait().unwrap().is_none() {
        if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return child.try_wait().unwrap().is_none().then_some(child);
        }
        assert!(Instant::now() < until, "nothing answers on port {port}");
        std::thread::yield_now();
    }
    None
}
