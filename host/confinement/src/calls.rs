//! System calls that a process gives up for good when it shuts itself in (seccomp): those that lead round what Landlock watches, and those that nothing here has any business with. Landlock knows
//! files and TCP ports. It does not know datagrams, by which a name server carries anything anywhere; nor the other kinds of stream that are no TCP to it; nor sockets with a place among the files,
//! behind one of which sits whoever starts programs for this user.
//!
//! A call that was given up fails as one that is not permitted, so that a library which can do without it does. The list says what is given up and not what is left: what video and inference
//! libraries call differs from version to version, and a call that is missing would show in the middle of a deployment.

use std::collections::BTreeMap;

use seccompiler::{
    BackendError, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, apply_filter, apply_filter_all_threads,
};

/// Why calls could not be given up.
#[derive(Debug, thiserror::Error)]
pub enum CallsError {
    /// The kernel refuses, or has no seccomp.
    #[error("{0}")]
    Kernel(#[from] seccompiler::Error),
    /// No filter can be made for this kind of processor.
    #[error("{0}")]
    Filter(#[from] BackendError),
}

/// What of the network is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Network {
    /// Nothing new: what is open stays open.
    None,
    /// TCP, to the ports that Landlock leaves open.
    Tcp,
    /// TCP, and the datagrams by which names are looked up.
    TcpAndNames,
}

/// Calls given up whatever their arguments are.
const WHOLE: &[libc::c_long] = &[
    // Other processes: to look into one, or take what it has open.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    // Another view of the files.
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    // A file by its number and not by its place.
    libc::SYS_open_by_handle_at,
    // Calls made by the kernel in another's stead, sockets among them, which this filter would not see.
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    // The kernel itself.
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_syslog,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    // The clock, by which everything here is dated.
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_kexec_file_load,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_iopl,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_ioperm,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_modify_ldt,
];

/// Requests to a terminal that put characters where its user types them: into the shell that started this.
const TYPED: [u64; 2] = [libc::TIOCSTI, libc::TIOCLINUX];

/// The kinds of socket, of which the lowest four bits of the second argument say one.
const KINDS: u64 = 0xf;

/// What the kernel adds to the number of a call that is made in its third way for this processor, with addresses of 32 bits.
#[cfg(target_arch = "x86_64")]
const SHORT_ADDRESSES: i64 = 0x4000_0000;

/// Gives the calls up, for this thread and those that it starts.
pub(crate) fn give_up(network: Network) -> Result<(), CallsError> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        WHOLE.iter().map(|call| (*call, Vec::new())).collect();
    rules.insert(libc::SYS_socket, sockets(network)?);
    let typed = TYPED.map(|request| rule(&[(1, SeccompCmpOp::Eq, request)]));
    rules.insert(
        libc::SYS_ioctl,
        typed.into_iter().collect::<Result<_, _>>()?,
    );
    Ok(apply_filter(&filter(rules)?)?)
}

/// Gives up sockets within this machine, new ones and ways to those of others, for all threads of the process that there are. Those that are open stay open.
pub(crate) fn give_up_local_sockets() -> Result<(), CallsError> {
    let local = rule(&[(0, SeccompCmpOp::Eq, libc::AF_UNIX as u64)])?;
    let rules = BTreeMap::from([(libc::SYS_socket, vec![local])]);
    Ok(apply_filter_all_threads(&filter(rules)?)?)
}

/// Which sockets are not to be had. A rule is met where all its conditions are.
fn sockets(network: Network) -> Result<Vec<SeccompRule>, BackendError> {
    use SeccompCmpOp::{Eq, MaskedEq, Ne};
    let [inet, inet6, unix] = [libc::AF_INET, libc::AF_INET6, libc::AF_UNIX].map(|f| f as u64);
    // Of another family than these: packets, the kernel's own, other machines', telephones'.
    let mut rules = vec![rule(&[(0, Ne, inet), (0, Ne, inet6), (0, Ne, unix)])?];
    for family in [inet, inet6] {
        if network == Network::None {
            rules.push(rule(&[(0, Eq, family)])?);
            continue;
        }
        let (stream, datagram) = (libc::SOCK_STREAM as u64, libc::SOCK_DGRAM as u64);
        let (tcp, udp) = (libc::IPPROTO_TCP as u64, libc::IPPROTO_UDP as u64);
        // Streams that are no TCP go to any port; 0 is the usual protocol of a kind.
        rules.push(rule(&[
            (0, Eq, family),
            (1, MaskedEq(KINDS), stream),
            (2, Ne, 0),
            (2, Ne, tcp),
        ])?);
        match network {
            Network::TcpAndNames => rules.push(rule(&[
                (0, Eq, family),
                (1, MaskedEq(KINDS), datagram),
                (2, Ne, 0),
                (2, Ne, udp),
            ])?),
            _ => rules.push(rule(&[(0, Eq, family), (1, MaskedEq(KINDS), datagram)])?),
        }
        for kind in (0..=KINDS).filter(|kind| ![stream, datagram].contains(kind)) {
            rules.push(rule(&[(0, Eq, family), (1, MaskedEq(KINDS), kind)])?);
        }
    }
    Ok(rules)
}

/// The rule that is met where these arguments, of 32 bits each, compare so.
fn rule(conditions: &[(u8, SeccompCmpOp, u64)]) -> Result<SeccompRule, BackendError> {
    let conditions = conditions.iter().cloned().map(|(argument, how, value)| {
        SeccompCondition::new(argument, SeccompCmpArgLen::Dword, how, value)
    });
    SeccompRule::new(conditions.collect::<Result<_, _>>()?)
}

fn filter(
    rules: BTreeMap<i64, Vec<SeccompRule>>,
) -> Result<Vec<seccompiler::sock_filter>, BackendError> {
    #[cfg(target_arch = "x86_64")]
    let rules = rules
        .into_iter()
        .flat_map(|(call, rules)| [(call, rules.clone()), (call | SHORT_ADDRESSES, rules)])
        .collect();
    SeccompFilter::new(
        rules,
        SeccompAction::Allow,
        SeccompAction::Errno(libc::EPERM as u32),
        std::env::consts::ARCH.try_into()?,
    )?
    .try_into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::io::{Error, ErrorKind};

    use super::*;

    /// In a thread of its own, which takes what it gave up with it.
    fn aside<T: Send + 'static>(tried: impl FnOnce() -> T + Send + 'static) -> T {
        std::thread::spawn(tried).join().unwrap()
    }

    fn refused(call: i64) -> bool {
        // SAFETY: the filter refuses the call before the kernel looks at its arguments; a call that it did not refuse is given none that mean anything, and the test fails.
        let answer = unsafe { libc::syscall(call, -1, -1, -1, -1, -1, -1) };
        answer == -1 && Error::last_os_error().kind() == ErrorKind::PermissionDenied
    }

    #[test]
    fn every_call_of_the_list_is_refused_in_each_of_the_ways_to_make_it() {
        aside(|| {
            give_up(Network::TcpAndNames).unwrap();
            for call in WHOLE {
                assert!(refused(*call), "{call}");
                #[cfg(target_arch = "x86_64")]
                assert!(refused(call | SHORT_ADDRESSES), "{call}");
            }
            // And the thread can still do what it has to.
            std::thread::spawn(|| std::fs::read("/proc/self/stat").unwrap())
                .join()
                .unwrap();
        });
    }

    #[test]
    fn nothing_is_typed_into_the_terminal_that_started_it() {
        aside(|| {
            give_up(Network::None).unwrap();
            for request in TYPED {
                // SAFETY: the filter refuses it before the kernel looks at the address; there is no file of number −1 either.
                let answer = unsafe { libc::syscall(libc::SYS_ioctl, -1, request, 0) };
                assert_eq!(answer, -1);
                assert_eq!(Error::last_os_error().kind(), ErrorKind::PermissionDenied);
            }
        });
    }
}
