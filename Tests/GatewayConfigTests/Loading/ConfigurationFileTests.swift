import GatewayConfig
import Glibc
import Testing

@Suite struct ConfigurationFileTests {
    @Test func readsAFile() throws {
        let bytes = try ConfigurationFile.read(repository + "/Package.swift")
        #expect(String(decoding: bytes, as: UTF8.self).hasPrefix("// swift-tools-version"))
        #expect(ConfigurationFile.exists(repository + "/Package.swift"))
        #expect(!ConfigurationFile.exists(repository + "/nothing-here"))
    }

    @Test func saysWhyAFileCannotBeRead() {
        do throws(FileFailure) {
            _ = try ConfigurationFile.read("/nothing/here")
            Issue.record("read it")
        } catch {
            #expect(error.description == "/nothing/here cannot be read: No such file or directory")
        }
        #expect(throws: FileFailure.self) { try ConfigurationFile.read("/") }
    }

    @Test func readsNoMoreThanItsBound() {
        #expect(throws: FileFailure.self) { try ConfigurationFile.read("/dev/zero") }
    }
}
