//! TLS from files. A connection shakes hands beside the others, so that a slow one keeps nobody waiting; certificate and
//! key are read again when their files have changed.
use axum::serve::Listener;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert, ServerConfig};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::server::TlsStream;
use tracing::{debug, info, warn};

/// For shaking hands.
const PATIENCE: Duration = Duration::from_secs(10);
/// Connections that shake hands at once; others wait.
const AT_ONCE: usize = 256;
/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(5);

/// The files of `--tls-cert` and `--tls-key`, and what was in them last.
#[derive(Debug)]
pub struct Certificate {
    chain: PathBuf,
    key: PathBuf,
    held: RwLock<(Stamps, Arc<CertifiedKey>)>,
}

type Stamps = [Option<SystemTime>; 2];

impl Certificate {
    pub fn open(chain: &Path, key: &Path) -> io::Result<Arc<Certificate>> {
        let held = RwLock::new((stamps(chain, key), read(chain, key)?));
        Ok(Arc::new(Certificate { chain: chain.to_owned(), key: key.to_owned(), held }))
    }

    /// Reads the files again if they have changed; what cannot be used leaves the old in place.
    fn look(&self) {
        let now = stamps(&self.chain, &self.key);
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        if held.0 == now {
            return;
        }
        match read(&self.chain, &self.key) {
            Ok(fresh) => {
                *held = (now, fresh);
                info!("the certificate was read again");
            }
            Err(error) => {
                held.0 = now;
                warn!(%error, "the new certificate cannot be used; the old one stays");
            }
        }
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.held.read().unwrap_or_else(PoisonError::into_inner).1))
    }
}

fn stamps(chain: &Path, key: &Path) -> Stamps {
    [chain, key].map(|path| std::fs::metadata(path).and_then(|file| file.modified()).ok())
}

fn read(chain: &Path, key: &Path) -> io::Result<Arc<CertifiedKey>> {
    let wrong = |path: &Path, error: &dyn std::fmt::Display| io::Error::other(format!("{}: {error}", path.display()));
    let certificates = CertificateDer::pem_file_iter(chain).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let certificates = certificates.map_err(|error| wrong(chain, &error))?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| wrong(key, &error))?;
    let certified = CertifiedKey::from_der(certificates, private, &ring::default_provider());
    Ok(Arc::new(certified.map_err(|error| wrong(chain, &error))?))
}

/// A listener whose connections have shaken hands.
pub struct TlsListener {
    address: SocketAddr,
    ready: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
}

impl TlsListener {
    pub fn over(listener: TcpListener, certificate: Arc<Certificate>) -> io::Result<TlsListener> {
        let address = listener.local_addr()?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&certificate) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let (send, ready) = mpsc::channel(AT_ONCE);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(LOOK).await;
                let certificate = Arc::clone(&certificate);
                let _ = tokio::task::spawn_blocking(move || certificate.look()).await;
            }
        });
        tokio::spawn(accept(listener, acceptor, send));
        Ok(TlsListener { address, ready })
    }
}

async fn accept(
    mut listener: TcpListener,
    acceptor: TlsAcceptor,
    ready: mpsc::Sender<(TlsStream<TcpStream>, SocketAddr)>,
) {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let (stream, from) = tokio::select! {
            // Nobody listens any more.
            () = ready.closed() => return,
            accepted = Listener::accept(&mut listener) => accepted,
        };
        let (acceptor, ready) = (acceptor.clone(), ready.clone());
        tokio::spawn(async move {
            let _place = place;
            let _ = stream.set_nodelay(true);
            match tokio::time::timeout(PATIENCE, acceptor.accept(stream)).await {
                Ok(Ok(stream)) => {
                    let _ = ready.send((stream, from)).await;
                }
                Ok(Err(error)) => debug!(%error, "no TLS"),
                Err(_) => debug!("TLS took too long"),
            }
        });
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.ready.recv().await {
            Some(connection) => connection,
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}
