//! Listening and stopping.
use super::{Doors, router};
use axum::serve::ListenerExt;
use std::io;
use std::net::ToSocketAddrs;
use std::time::Duration;
use tokio::net::TcpListener;
use tracing::{info, warn};

/// What running queries are given to end after the signal to stop.
const GRACE: Duration = Duration::from_secs(20);

/// Opens the address, if it can be reached from this machine alone: there is no sign-in yet.
pub async fn listener(address: &str) -> io::Result<TcpListener> {
    let places: Vec<_> = address.to_socket_addrs()?.collect();
    if let Some(open) = places.iter().find(|place| !place.ip().is_loopback()) {
        let message = format!(
            "{open} can be reached from other machines, and there is no sign-in yet; listen on a loopback address \
             such as 127.0.0.1:8080, and put a proxy that checks who is asking before it"
        );
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
    }
    TcpListener::bind(places.as_slice()).await
}

/// Serves until SIGINT or SIGTERM, then lets running queries end.
pub async fn serve(listener: TcpListener, doors: Doors) -> io::Result<()> {
    let (stop, stopping) = tokio::sync::watch::channel(false);
    let mut seen = stopping.clone();
    // Answers are written whole, so waiting to fill packets only delays them.
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            warn!(%error, "no TCP_NODELAY");
        }
    });
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
