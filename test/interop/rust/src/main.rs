//! A rust-libp2p peer: two hosts join the node at an address over one security protocol; the first provides a key, keeps a
//! relay reservation, and the second finds it. Prints what was seen as one line of JSON; exits with 1 and a reason otherwise.

use std::{env, error::Error, process::exit, time::Duration};

use futures::StreamExt;
use libp2p::{
    identify, identity, kad,
    multiaddr::Protocol,
    noise, ping, relay,
    swarm::{dial_opts::DialOpts, NetworkBehaviour, SwarmEvent},
    tcp, tls, yamux, Multiaddr, PeerId, Swarm, SwarmBuilder,
};
use serde_json::json;

const WITHIN: Duration = Duration::from_secs(30);
const KEY: &[u8] = b"a rendezvous of rust peers";

#[derive(NetworkBehaviour)]
struct Behaviour {
    identify: identify::Behaviour,
    ping: ping::Behaviour,
    kad: kad::Behaviour<kad::store::MemoryStore>,
    relay: relay::client::Behaviour,
}

type Failure = Box<dyn Error>;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    match tokio::time::timeout(WITHIN, run()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => fail(&error.to_string()),
        Err(_) => fail("not done within 30 s"),
    }
}

fn fail(reason: &str) -> ! {
    eprintln!("{reason}");
    exit(1)
}

async fn run() -> Result<(), Failure> {
    let mut args = env::args().skip(1);
    let (Some(security), Some(address)) = (args.next(), args.next()) else {
        return Err("usage: rust-peer tls|noise MULTIADDR".into());
    };
    let address: Multiaddr = address.parse()?;
    let Some(Protocol::P2p(node)) = address.iter().last() else {
        return Err("the address names no peer id".into());
    };

    let mut provider = host(&security)?;
    let seen = join(&mut provider, &address, node).await?;
    provider.listen_on(address.clone().with(Protocol::P2pCircuit))?;
    let reserved = until(&mut provider, |event| match event {
        SwarmEvent::Behaviour(BehaviourEvent::Relay(
            relay::client::Event::ReservationReqAccepted { .. },
        )) => Some(true),
        // rust peers want no reservation from a relay that names no address; go-libp2p's names public ones only
        SwarmEvent::ListenerClosed { .. } => Some(false),
        _ => None,
    })
    .await;
    provider
        .behaviour_mut()
        .kad
        .start_providing(kad::RecordKey::new(&KEY))?;
    let wanted = *provider.local_peer_id();
    tokio::spawn(async move {
        loop {
            provider.select_next_some().await;
        }
    });

    let mut finder = host(&security)?;
    join(&mut finder, &address, node).await?;
    find(&mut finder, wanted).await;
    println!(
        "{}",
        json!({ "protocols": seen.protocols.iter().map(|name| name.to_string()).collect::<Vec<_>>(), "agent": seen.agent_version, "reserved": reserved, "found": true })
    );
    Ok(())
}

fn host(security: &str) -> Result<Swarm<Behaviour>, Failure> {
    let builder =
        SwarmBuilder::with_existing_identity(identity::Keypair::generate_ed25519()).with_tokio();
    let tcp = tcp::Config::default().nodelay(true);
    // the relay's own transport wants a security protocol too; circuits are not dialled here
    let swarm = match security {
        "tls" => builder
            .with_tcp(tcp, tls::Config::new, yamux::Config::default)?
            .with_relay_client(tls::Config::new, yamux::Config::default)?
            .with_behaviour(behaviour)?
            .build(),
        "noise" => builder
            .with_tcp(tcp, noise::Config::new, yamux::Config::default)?
            .with_relay_client(noise::Config::new, yamux::Config::default)?
            .with_behaviour(behaviour)?
            .build(),
        other => return Err(format!("{other}: tls or noise").into()),
    };
    Ok(swarm)
}

fn behaviour(key: &identity::Keypair, relay: relay::client::Behaviour) -> Behaviour {
    let id = PeerId::from(key.public());
    let mut kad = kad::Behaviour::new(id, kad::store::MemoryStore::new(id));
    kad.set_mode(Some(kad::Mode::Client));
    Behaviour {
        identify: identify::Behaviour::new(identify::Config::new(
            "ipfs/0.1.0".into(),
            key.public(),
        )),
        ping: ping::Behaviour::new(ping::Config::new().with_interval(Duration::from_millis(200))),
        kad,
        relay,
    }
}

/** Dials, and waits for what the node says of itself and for an answer to a ping. */
async fn join(
    swarm: &mut Swarm<Behaviour>,
    address: &Multiaddr,
    node: PeerId,
) -> Result<identify::Info, Failure> {
    // an address of its own, for others to find
    swarm.listen_on("/ip4/127.0.0.1/tcp/0".parse()?)?;
    // provider records name external addresses alone
    let own = until(swarm, |event| match event {
        SwarmEvent::NewListenAddr { address, .. } => Some(address),
        _ => None,
    })
    .await;
    swarm.add_external_address(own);
    // from a port of its own: several may dial over loopback at once
    swarm.dial(
        DialOpts::peer_id(node)
            .addresses(vec![address.clone()])
            .allocate_new_port()
            .build(),
    )?;
    let mut told = None;
    let mut ponged = false;
    let mut problem = None;
    until(swarm, |event| {
        match event {
            SwarmEvent::Behaviour(BehaviourEvent::Identify(identify::Event::Received {
                info,
                ..
            })) => told = Some(info),
            SwarmEvent::Behaviour(BehaviourEvent::Ping(ping::Event { result, .. })) => {
                ponged |= result.is_ok()
            }
            SwarmEvent::OutgoingConnectionError { error, .. } => problem = Some(error.to_string()),
            _ => {}
        }
        (problem.is_some() || (told.is_some() && ponged)).then_some(())
    })
    .await;
    if let Some(problem) = problem {
        return Err(problem.into());
    }
    swarm
        .behaviour_mut()
        .kad
        .add_address(&node, address.clone());
    told.ok_or_else(|| "not identified".into())
}

/** Asks until the peer is listed. */
async fn find(swarm: &mut Swarm<Behaviour>, wanted: PeerId) {
    loop {
        swarm
            .behaviour_mut()
            .kad
            .get_providers(kad::RecordKey::new(&KEY));
        let found = until(swarm, |event| match event {
            SwarmEvent::Behaviour(BehaviourEvent::Kad(kad::Event::OutboundQueryProgressed {
                result: kad::QueryResult::GetProviders(result),
                ..
            })) => match result {
                Ok(kad::GetProvidersOk::FoundProviders { providers, .. }) => {
                    providers.contains(&wanted).then_some(true)
                }
                _ => Some(false),
            },
            _ => None,
        })
        .await;
        if found {
            return;
        }
    }
}

async fn until<T>(
    swarm: &mut Swarm<Behaviour>,
    mut take: impl FnMut(SwarmEvent<BehaviourEvent>) -> Option<T>,
) -> T {
    loop {
        if let Some(result) = take(swarm.select_next_some().await) {
            return result;
        }
    }
}
