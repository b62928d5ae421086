import { defineConfig } from 'vite'

/** Every asset is a file of ours: nothing is inlined, so that the page needs no exception from its strict CSP. */
export default defineConfig({
  root: import.meta.dirname,
  build: {
    outDir: '../dist',
    emptyOutDir: true,
    target: 'chrome120',
    assetsInlineLimit: 0,
    modulePreload: false,
    reportCompressedSize: false,
  },
})
