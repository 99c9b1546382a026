package cache
import ("testing";"time";"fmt")
func TestDbg(t *testing.T){
 l := newLocal(64<<20); defer l.close()
 l.resize(1)
 for i:=range 5 {
 l.put("k", held{size: 15000, ttl: time.Hour})
 n:=0
 for j:=0;j<200000;j++ { if _,ok:=l.get("k"); ok {n++} }
 fmt.Println(i, n, l.entries.WeightedSize(), l.entries.GetMaximum())
 }
 l2 := newLocal(1); defer l2.close()
 l2.put("k", held{size: 15000, ttl: time.Hour})
 time.Sleep(100*time.Millisecond)
 _,ok:=l2.get("k"); fmt.Println(ok, l2.entries.WeightedSize())
}
