// Two accounts, and all that may have become of them: some of what each has said was done, in its order, and all of it that the server has answered for.
import assert from 'node:assert/strict'
import { type Act, type ListedItem, SubscriptionModel } from '../fuzz/subscription-model.ts'
import type { Promised } from './store-kills-client.ts'

export class Deed implements Promised {
  readonly act: Act
  isAnsweredFor = false
  /** The server said that it could not keep it; it may have. */
  isUncertain = false

  constructor(act: Act) { this.act = act }

  handled(): void { this.isAnsweredFor = true }
}

/** What one of the two sees of the other. */
export interface View { readonly owner: string, readonly item: ListedItem | null }

export class Pair {
  readonly #users: readonly [string, string]
  /** Each as a text, so that none is there twice. */
  #possible: ReadonlyMap<string, SubscriptionModel>
  readonly #deeds: Readonly<Record<string, Deed[]>>

  constructor(users: readonly [string, string]) {
    this.#users = users
    this.#deeds = { [users[0]]: [], [users[1]]: [] }
    this.#possible = this.#set([new SubscriptionModel()])
  }

  does(act: Act): Deed {
    const deed = new Deed(act)
    this.#deeds[act.by]!.push(deed)
    return deed
  }

  /** The server has gone: whatever came to it in time is done. */
  settle(): void {
    const [first, second] = this.#users.map(user => this.#deeds[user]!.splice(0)) as [Deed[], Deed[]]
    const least = (deeds: readonly Deed[]) => deeds.findLastIndex(({ isAnsweredFor }) => isAnsweredFor) + 1
    const after: (readonly SubscriptionModel[])[][] = []
    const results: SubscriptionModel[] = []
    for (let one = 0; one <= first.length; one += 1) {
      after.push([])
      for (let two = 0; two <= second.length; two += 1) {
        const here = one === 0 && two === 0 ? this.#possible : this.#set([
          ...one === 0 ? [] : this.#done(after[one - 1]![two]!, first[one - 1]!),
          ...two === 0 ? [] : this.#done(after[one]![two - 1]!, second[two - 1]!),
        ])
        after[one]!.push([...here.values()])
        if (one >= least(first) && two >= least(second)) results.push(...here.values())
      }
    }
    this.#possible = this.#set(results)
  }

  /** What both see now. */
  observe(views: readonly View[]): void {
    this.#keep(model => views.every(({ owner, item }) => JSON.stringify(model.listed(owner, this.#otherThan(owner))) === JSON.stringify(item)),
      () => `the rosters show ${JSON.stringify(views)}`)
  }

  /** Whether `owner` was shown a request of the other. */
  observeRequest(owner: string, isAsked: boolean): void {
    this.#keep(model => model.side(owner, this.#otherThan(owner)).isAsked === isAsked, () => `${owner} is ${isAsked ? '' : 'not '}shown a request`)
  }

  #keep(isSo: (model: SubscriptionModel) => boolean, what: () => string): void {
    const kept = [...this.#possible.values()].filter(isSo)
    assert.ok(kept.length > 0, `${this.#users.join(' and ')}: ${what()}, but possible is only ${[...this.#possible.keys()].join(' or ')}`)
    this.#possible = this.#set(kept)
  }

  #done(models: readonly SubscriptionModel[], { act, isUncertain }: Deed): readonly SubscriptionModel[] {
    const done = models.map(model => {
      const copy = new SubscriptionModel()
      for (const user of this.#users) Object.assign(copy.side(user, this.#otherThan(user)), model.side(user, this.#otherThan(user)))
      copy.perform(act)
      return copy
    })
    return isUncertain ? [...models, ...done] : done
  }

  #set(models: readonly SubscriptionModel[]): ReadonlyMap<string, SubscriptionModel> {
    return new Map(models.map(model => [JSON.stringify(this.#users.map(user => ({ of: user, ...model.side(user, this.#otherThan(user)) }))), model]))
  }

  #otherThan(user: string): string { return this.#users[0] === user ? this.#users[1] : this.#users[0] }
}
