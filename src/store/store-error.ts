/** Why the store cannot be used, in one line for the person who started the gateway. */
export class StoreError extends Error {
  override readonly name = 'StoreError'
}
