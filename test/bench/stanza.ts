// What the clients of the benchmarks say to each other.

const lines = 'Neither a borrower nor a lender be, for loan oft loses both itself and friend, and borrowing dulls the edge of husbandry. '

export const stanzaTo = (address: string, bodyBytes: number): string =>
  `<message xmlns="jabber:client" to="${address}" id="c0ffee-4f1d-11" type="chat">`
  + `<body>${lines.repeat(Math.ceil(bodyBytes / lines.length)).slice(0, bodyBytes)}</body></message>`
