import { defaultLogger } from '@libp2p/logger'
import { AbstractStream } from '@libp2p/utils'

/** A stream of libp2p whose peer lets this side send so many bytes and no more, as yamux has it. */
export class WindowedStream extends AbstractStream {
  windowBytes: number
  /** What the peer has received. */
  readonly received: Uint8Array[] = []

  constructor(windowBytes: number) {
    super({ id: '1', direction: 'inbound', log: defaultLogger().forComponent('test') })
    this.windowBytes = windowBytes
  }

  /** The peer reads on. */
  openWindow(bytes: number): void {
    this.windowBytes += bytes
    this.onMuxerDrain()
  }

  sendData(data: { readonly byteLength: number; subarray(from: number, to: number): Uint8Array }): {
    sentBytes: number
    canSendMore: boolean
  } {
    const sentBytes = Math.min(this.windowBytes, data.byteLength)
    this.windowBytes -= sentBytes
    if (sentBytes > 0) this.received.push(data.subarray(0, sentBytes))
    return { sentBytes, canSendMore: sentBytes === data.byteLength }
  }

  override sendReset(): void {}
  override async sendCloseWrite(): Promise<void> {}
  override async sendCloseRead(): Promise<void> {}
  override sendPause(): void {}
  override sendResume(): void {}
}
