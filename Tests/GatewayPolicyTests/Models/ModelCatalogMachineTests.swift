import GatewayModel
import GatewayPolicy
import ReactorCore
import Testing

@Suite struct ModelCatalogMachineTests {
    private func seconds(_ seconds: UInt64) -> Instant {
        Instant(nanoseconds: seconds * 1_000_000_000)
    }

    private func models(_ ids: String...) -> [CatalogModel] { ids.map { CatalogModel(id: $0) } }

    @Test func asksOnceAndAgainWhenStale() {
        var machine = ModelCatalogMachine(lists: [true, false, true])
        #expect(!machine.isFirstFetchRunning)
        #expect(machine.asked(at: seconds(1)) == [0, 2])
        #expect(machine.isFirstFetchRunning)
        // One fetch at a time.
        #expect(machine.asked(at: seconds(2)) == [])
        let action = machine.pageArrived(from: 0, models("a"), next: nil, at: seconds(3))
        #expect(action == .finished)
        #expect(machine.models(of: 0) == models("a"))
        #expect(machine.models(of: 1) == nil)
        #expect(machine.models(of: 2) == nil)
        #expect(machine.isFirstFetchRunning)
        #expect(machine.asked(at: seconds(302)) == [])
        #expect(machine.asked(at: seconds(303)) == [0])
        // The old list is told meanwhile.
        #expect(machine.models(of: 0) == models("a"))
        _ = machine.pageArrived(from: 2, models("z"), next: nil, at: seconds(303))
        #expect(!machine.isFirstFetchRunning)
    }

    @Test func gathersPages() {
        var machine = ModelCatalogMachine(lists: [true])
        #expect(machine.asked(at: seconds(0)) == [0])
        let version = machine.version
        let next = machine.pageArrived(from: 0, models("a"), next: [7], at: seconds(0))
        #expect(next == .fetch(page: [7]))
        // Not told before it is whole.
        #expect(machine.models(of: 0) == nil)
        #expect(machine.version == version)
        let end = machine.pageArrived(from: 0, models("b"), next: nil, at: seconds(0))
        #expect(end == .finished)
        #expect(machine.models(of: 0) == models("a", "b"))
        #expect(machine.version == version + 1)
        // The same again changes nothing.
        #expect(machine.asked(at: seconds(300)) == [0])
        _ = machine.pageArrived(from: 0, models("a", "b"), next: nil, at: seconds(300))
        #expect(machine.version == version + 1)
    }

    @Test func keepsTheOldListWhenAProviderFails() {
        var machine = ModelCatalogMachine(lists: [true])
        _ = machine.asked(at: seconds(0))
        machine.failed(0, at: seconds(1))
        #expect(machine.models(of: 0) == nil)
        #expect(machine.asked(at: seconds(30)) == [])
        #expect(machine.asked(at: seconds(31)) == [0])
        // Nobody waits for one that has failed.
        #expect(!machine.isFirstFetchRunning)
        _ = machine.pageArrived(from: 0, models("a"), next: nil, at: seconds(31))
        #expect(machine.asked(at: seconds(331)) == [0])
        _ = machine.pageArrived(from: 0, models("x"), next: [1], at: seconds(331))
        machine.failed(0, at: seconds(332))
        #expect(machine.models(of: 0) == models("a"))
        // What came before the failure is gone.
        #expect(machine.asked(at: seconds(362)) == [0])
        _ = machine.pageArrived(from: 0, models("b"), next: nil, at: seconds(362))
        #expect(machine.models(of: 0) == models("b"))
    }

    @Test func isBounded() {
        var machine = ModelCatalogMachine(lists: [true])
        _ = machine.asked(at: seconds(0))
        let page = (0..<6000).map { CatalogModel(id: "\($0)") }
        #expect(
            machine.pageArrived(from: 0, page, next: [1], at: seconds(0)) == .fetch(page: [1]))
        #expect(machine.pageArrived(from: 0, page, next: [2], at: seconds(0)) == .finished)
        #expect(machine.models(of: 0)?.count == ModelCatalogMachine.modelCountMax)
        // A provider whose pages never end.
        _ = machine.asked(at: seconds(1000))
        var pages = 1
        while machine.pageArrived(from: 0, models("a"), next: [1], at: seconds(1000)) != .finished {
            pages += 1
        }
        #expect(pages == ModelCatalogMachine.pageCountMax)
        // Empty ones end as soon; but one is no end where more is said to come.
        _ = machine.asked(at: seconds(2000))
        pages = 1
        while machine.pageArrived(from: 0, [], next: [1], at: seconds(2000)) != .finished {
            pages += 1
        }
        #expect(pages == ModelCatalogMachine.pageCountMax)
        #expect(machine.models(of: 0) == [])
        _ = machine.asked(at: seconds(3000))
        #expect(machine.pageArrived(from: 0, [], next: [1], at: seconds(3000)) == .fetch(page: [1]))
        #expect(
            machine.pageArrived(from: 0, models("a"), next: nil, at: seconds(3000)) == .finished)
        #expect(machine.models(of: 0) == models("a"))
    }

    @Test func takesWhatSomebodyElseWasTold() {
        var machine = ModelCatalogMachine(lists: [true])
        _ = machine.asked(at: seconds(1000))
        machine.listArrived(from: 0, models("a"), age: .seconds(200), at: seconds(1000))
        #expect(machine.models(of: 0) == models("a"))
        #expect(!machine.isFirstFetchRunning)
        // It is as old as it is.
        #expect(machine.asked(at: seconds(1099)) == [])
        #expect(machine.asked(at: seconds(1100)) == [0])
        machine.failed(0, age: .seconds(10), at: seconds(1100))
        #expect(machine.models(of: 0) == models("a"))
        #expect(machine.asked(at: seconds(1119)) == [])
        #expect(machine.asked(at: seconds(1120)) == [0])
        // What it was told itself is newer than what others know.
        machine.failed(0, known: models("x"), at: seconds(1120))
        #expect(machine.models(of: 0) == models("a"))
        var second = ModelCatalogMachine(lists: [true])
        _ = second.asked(at: seconds(0))
        second.failed(0, known: models("x"), age: .seconds(1), at: seconds(0))
        #expect(second.models(of: 0) == models("x"))
        #expect(second.version == 1)
        #expect(second.asked(at: seconds(29)) == [0])
    }

    @Test func goesOnFromAnotherMachinesLists() {
        var old = ModelCatalogMachine(lists: [true, true])
        _ = old.asked(at: seconds(0))
        _ = old.pageArrived(from: 1, models("a"), next: nil, at: seconds(0))
        var machine = ModelCatalogMachine(lists: [true, false])
        machine.inherit(0, from: old, 1)
        machine.inherit(1, from: old, 1)
        #expect(machine.models(of: 0) == models("a"))
        #expect(machine.models(of: 1) == nil)
        #expect(machine.version == 1)
        // It is asked for anew, and nobody waits for it.
        #expect(machine.asked(at: seconds(1)) == [0])
        #expect(!machine.isFirstFetchRunning)
        // A fetch that was running in the old one is not in this.
        machine.inherit(0, from: old, 0)
        #expect(machine.models(of: 0) == nil)
    }
}
