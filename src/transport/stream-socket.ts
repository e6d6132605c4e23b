/** The WebSocket of `ws`, with one addition: what breaks a limit is told to the stream before the closing handshake begins. */
import { WebSocket } from 'ws'

/** RFC 6455 §7.4.1: a message too big to process. */
export const messageTooBig = 1009

export class StreamSocket extends WebSocket {
  /** Called when `ws` is about to close because of a message longer than `maxPayload`, while there is still a way to say so. */
  onTooBig: (() => void) | null = null

  override close(code?: number, data?: string | Buffer): void {
    // `ws` closes by itself, with this code, as soon as a frame's length shows that the message is too long: not a byte of it is kept.
    if (code === messageTooBig && this.readyState === WebSocket.OPEN) this.onTooBig?.()
    super.close(code, data)
  }
}
