import { defineConfig } from 'vitest/config'

/** Every line and branch between bytes and numbers is there because a test needs it. */
export default defineConfig({
  test: {
    include: ['devices/{codecs,formats}/*.test.ts', 'devices/normalise.test.ts'],
    coverage: {
      enabled: true,
      provider: 'v8',
      include: ['devices/{codecs,formats}/*.ts', 'devices/normalise.ts'],
      exclude: ['**/*.testing.ts'],
      reporter: [['text', { skipFull: true }]],
      thresholds: { 100: true },
    },
  },
})
