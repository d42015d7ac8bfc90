import type { Duplex } from 'node:stream'
import { type SecureContext, TLSSocket } from 'node:tls'
import type { PeerId } from '@libp2p/interface'
import { ConnectionEnd } from '../endings.ts'
import { verifyPeerCertificate } from './peer-certificate.ts'

/** ALPN of a peer that negotiates its muxer later. */
export const noEarlyMuxer = 'libp2p'

/** The server's side of TLS on `transport`; the handshake begins at once. */
export function serverSocket(
  transport: Duplex,
  secureContext: SecureContext,
  isMuxer: (name: string) => boolean
): TLSSocket {
  const socket = new TLSSocket(transport, {
    isServer: true,
    secureContext,
    requestCert: true,
    // no authority signs these certificates; identityOf() verifies the peer's
    rejectUnauthorized: false,
    ALPNCallback: ({ protocols }) => protocols.find((name) => isMuxer(name) || name === noEarlyMuxer)
  })
  transport.on('error', (error) => socket.destroy(error))
  // once its handshake is over, one that no tls.Server has made tells of errors in this way alone, and stays open, deaf
  // (Node 20.20 and 24.21, lib/_tls_wrap.js, _emitTLSError)
  socket.on('_tlsError', destroy)
  return socket
}

function destroy(this: TLSSocket, error: Error): void {
  this.destroy(error)
}

/** Resolves when the handshake is over; rejects with what went wrong, or when `signal` fires. */
export function secured(socket: TLSSocket, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => () => {
      socket.off('secure', onSecure).off('error', onError).off('close', onClose)
      signal?.removeEventListener('abort', onAbort)
      act()
    }
    const onSecure = settle(resolve)
    const onError = (error: Error) => settle(() => reject(error))()
    const onClose = settle(() =>
      reject(new ConnectionEnd('peer-left', 'the peer closed the connection during the TLS handshake'))
    )
    const onAbort = settle(() => reject(new ConnectionEnd('deadline', 'the TLS handshake took too long')))
    socket.on('secure', onSecure).on('error', onError).on('close', onClose)
    if (signal?.aborted === true) onAbort()
    else signal?.addEventListener('abort', onAbort)
  })
}

/**
 * The peer at the other end of a secured socket.
 *
 * @throws when its certificate does not prove who it is
 */
export async function identityOf(socket: TLSSocket): Promise<PeerId> {
  const certificate = socket.getPeerX509Certificate()
  if (certificate === undefined) throw new ConnectionEnd('certificate', 'the peer sent no certificate')
  const peer = await verifyPeerCertificate(certificate, Date.now())
  if ('problem' in peer)
    throw new ConnectionEnd('certificate', `the certificate of the peer is not accepted: ${peer.problem}`)
  return peer
}
