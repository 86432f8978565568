//! Listening and stopping.
use super::tls::{Certificate, TlsListener};
use super::{Doors, router};
use axum::serve::{Listener, ListenerExt};
use std::io;
use std::net::ToSocketAddrs;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tracing::{info, warn};

/// What running queries are given to end after the signal to stop.
const GRACE: Duration = Duration::from_secs(20);

/// From where the doors may be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// From this machine alone.
    Machine,
    /// From wherever the network lets somebody through.
    Network,
}

/// Opens the address, if it is within reach.
pub async fn listener(address: &str, reach: Reach) -> io::Result<TcpListener> {
    let places: Vec<_> = address.to_socket_addrs()?.collect();
    let open = places.iter().find(|place| !place.ip().is_loopback());
    if let (Some(open), Reach::Machine) = (open, reach) {
        let message = format!(
            "{open} can be reached from other machines, which needs sign-in and TLS: give `--sign-in`, `--tls-cert` and \
             `--tls-key`; or listen on a loopback address such as 127.0.0.1:8080; or, where something before it sees to \
             both, give `--trust-network`"
        );
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
    }
    TcpListener::bind(places.as_slice()).await
}

/// Serves until SIGINT or SIGTERM, then lets running queries end.
pub async fn serve(listener: TcpListener, doors: Doors, certificate: Option<Arc<Certificate>>) -> io::Result<()> {
    match certificate {
        Some(certificate) => {
            let doors = Doors { secure: true, ..doors };
            serve_on(TlsListener::over(listener, certificate)?, doors).await
        }
        None => {
            // Answers are written whole, so waiting to fill packets only delays them.
            let listener = listener.tap_io(|stream| {
                if let Err(error) = stream.set_nodelay(true) {
                    warn!(%error, "no TCP_NODELAY");
                }
            });
            serve_on(listener, doors).await
        }
    }
}

async fn serve_on<L: Listener<Addr: std::fmt::Debug>>(listener: L, doors: Doors) -> io::Result<()> {
    let (stop, stopping) = tokio::sync::watch::channel(false);
    let mut seen = stopping.clone();
    let server = axum::serve(listener, router(doors)).with_graceful_shutdown(async move {
        let _ = seen.wait_for(|stop| *stop).await;
    });
    let watcher = async move {
        signal().await;
        info!("stopping");
        let _ = stop.send(true);
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        ended = server => ended,
        () = watcher => Ok(()),
    }
}

async fn signal() {
    let interrupt = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    {
        let terminate = async {
            match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
                Ok(mut signal) => {
                    signal.recv().await;
                }
                Err(_) => std::future::pending::<()>().await,
            }
        };
        tokio::select! { () = interrupt => {}, () = terminate => {} }
    }
    #[cfg(not(unix))]
    interrupt.await;
}
