// Whether a certificate is in a list of PEM blocks, as get_certs answers it.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'

import { isAmong } from '../../src/auth/backends/certificate-list.ts'
import { makeAuthority, makeLeaf } from '../support/certificates.ts'

const authority = makeAuthority()
const [first, second] = [makeLeaf(authority), makeLeaf(authority)]
const fingerprintOf = (der: Uint8Array) => createHash('sha256').update(der).digest('hex')
const wanted = fingerprintOf(first.der)

test('one among others, at any place, with text between them and any line ends', () => {
  const list = [second.certificatePem, first.certificatePem]
  for (const pem of [list.join(''), list.toReversed().join('\n\nsubject=CN=x\n'), list.join('').replaceAll('\n', '\r\n'), `\uFEFF${list.join('')}`]) assert.equal(isAmong(wanted, pem), true)
  assert.equal(isAmong(wanted, second.certificatePem), false)
})

test('a block that is damaged, or of another kind, is none; those after it count', () => {
  const body = first.certificatePem.split('\n').slice(1, -2).join('\n')
  for (const pem of ['', first.certificatePem.slice(0, -30), first.certificatePem.replace('MII', 'M*II'), first.certificatePem.replaceAll('CERTIFICATE', 'X509 CRL'), body,
    `-----BEGIN CERTIFICATE-----\n${body.slice(4)}\n-----END CERTIFICATE-----`]) assert.equal(isAmong(wanted, pem), false, pem.slice(0, 60))
  assert.equal(isAmong(wanted, `${first.certificatePem.replace('MII', 'M*II')}${first.certificatePem}`), true)
})

test('what is no fingerprint is among nothing', () => {
  for (const fingerprint of ['', wanted.slice(2), `${wanted}00`, 'zz']) assert.equal(isAmong(fingerprint, first.certificatePem), false)
})

test('a megabyte of anything costs time proportional to it', () => {
  const began = performance.now()
  for (const piece of ['-----BEGIN CERTIFICATE-----', '-----BEGIN CERTIFICATE----------END CERTIFICATE-----', '-', ' ', `-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n`]) {
    assert.equal(isAmong(wanted, piece.repeat(1_048_576 / piece.length)), false)
  }
  assert.ok(performance.now() - began < 1_000)
})
