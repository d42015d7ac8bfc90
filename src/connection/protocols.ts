/** What a connection is secured and divided with (libp2p specification: noise, tls, yamux). */
export const noiseProtocol = '/noise'
export const tlsProtocol = '/tls/1.0.0'
export const yamuxProtocol = '/yamux/1.0.0'
