import GatewayDoors
import GatewayModel
import ReactorCore
import Testing

@Suite struct ModelsQueryTests {
    private func read(_ path: String) throws(Failure) -> ModelsQuery {
        var outcome: Result<ModelsQuery, Failure> = .success(ModelsQuery())
        path.withByteSlice { path in
            do throws(Failure) { outcome = .success(try ModelsQuery.read(path: path)) } catch {
                outcome = .failure(error)
            }
        }
        return try outcome.get()
    }

    @Test func readsAQuery() throws {
        var query = ModelsQuery()
        for path in ["/v1/models", "/models?", "/models?&&x&limit", "/models?after_id=&beta=true"] {
            #expect(try read(path) == query, "\(path)")
        }
        query.limit = 1000
        query.afterID = "a/b"
        #expect(try read("/v1/models?limit=1000&after_id=a%2Fb") == query)
        query.afterID = nil
        query.beforeID = "c"
        #expect(try read("/v1/models?before_id=c&limit=1000") == query)
    }

    @Test(arguments: [
        ("limit=0", "limit"), ("limit=1001", "limit"), ("limit=x", "limit"), ("limit=", "limit"),
        ("limit=99999999999999999999", "limit"), ("after_id=%zz", "after_id"),
        ("before_id=%a", "before_id"), ("before_id=a&after_id=b", "before_id"),
    ])
    func refuses(_ query: String, _ parameter: String) {
        #expect { try read("/models?\(query)") } throws: {
            let failure = $0 as? Failure
            return failure?.kind == .invalidParameter && failure?.parameter == parameter
        }
    }
}
