// What was heard, in order, for a test to wait for.

export interface Heard { readonly from: string, readonly text: string }

const patience = 10_000

export class Inbox {
  readonly #heard: Heard[] = []
  readonly #waiting: ((heard: Heard) => void)[] = []

  put(heard: Heard): void {
    const waiting = this.#waiting.shift()
    if (waiting === undefined) this.#heard.push(heard)
    else waiting(heard)
  }

  next(): Promise<Heard> {
    const heard = this.#heard.shift()
    if (heard !== undefined) return Promise.resolve(heard)
    return inTime('a message', new Promise(resolve => { this.#waiting.push(resolve) }))
  }
}

/** What does not come in time fails, and says what it was. */
export async function inTime<T>(what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => { reject(new Error(`waited in vain for ${what}`)) }, patience)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/** For what happens in this process but tells nobody: looks again each time the event loop comes round. */
export async function seen(what: string, isThere: () => boolean): Promise<void> {
  const deadline = Date.now() + patience
  while (!isThere()) {
    if (Date.now() > deadline) throw new Error(`waited in vain for ${what}`)
    await new Promise(resolve => { setImmediate(resolve) })
  }
}
