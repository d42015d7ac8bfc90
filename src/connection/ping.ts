import type { ByteProtocol, ByteStream, ByteStreamHandler } from './byte-stream.ts'

export const pingProtocol = '/ipfs/ping/1.0.0'

/**
 * Sends back what comes (libp2p specification ping/ping.md). Two streams a connection, as the specification wants; a peer that
 * does not read its answers is not read either.
 */
export const pingEcho: ByteProtocol = {
  maxInboundStreams: 2,
  open: (stream) => new Echo(stream)
}

class Echo implements ByteStreamHandler {
  readonly #stream: ByteStream

  constructor(stream: ByteStream) {
    this.#stream = stream
  }

  onData(bytes: Uint8Array): void {
    if (!this.#stream.send(Uint8Array.from(bytes))) this.#stream.pause()
  }

  onDrain(): void {
    this.#stream.resume()
  }

  onEnd(): void {
    this.#stream.close()
  }

  onClose(): void {}
}
